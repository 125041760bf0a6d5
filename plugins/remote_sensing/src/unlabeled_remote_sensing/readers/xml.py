"""XML of bounded size, without document types, so that no entity is expanded or fetched."""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from unlabeled.errors import UnreadableItem

LARGEST = 16 * 2**20
"""Bytes; the metadata of a Sentinel-2 product are some 100 KiB."""


class _Forbidden(ValueError):
    """A document type, which may declare entities."""


def read_xml(path: Path) -> Element:
    """The root element. Raises UnreadableItem."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise UnreadableItem(str(path), "an XML file", error.strerror or str(error)) from error
    if len(data) > LARGEST:
        raise UnreadableItem(str(path), f"XML of at most {LARGEST >> 20} MiB", "a larger file")
    builder = TreeBuilder()
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = _refuse
    parser.StartElementHandler = lambda name, attributes: builder.start(name, attributes)
    parser.EndElementHandler = lambda name: builder.end(name)
    parser.CharacterDataHandler = builder.data
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, _Forbidden) as error:
        raise UnreadableItem(str(path), "XML without document types", str(error)) from error
    return builder.close()


def local_name(element: Element) -> str:
    """An element's name without its namespace."""
    return element.tag.rpartition("}")[2].rpartition(":")[2]


def _refuse(name: str, *_: object) -> None:
    raise _Forbidden(f"the document type {name}")
