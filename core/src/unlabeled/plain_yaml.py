"""The part of YAML that recipes use: text, numbers, lists and sections, of bounded size.

Tags are refused, so only plain values are ever built. Aliases may repeat a section; their expanded
size is counted before it is built, so a few lines cannot fill the memory.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

LARGEST_FILE = 1_000_000
"""Bytes; a recipe has a few thousand."""
LARGEST_TREE = 100_000
"""Values, with every alias expanded."""

PREFIX = "tag:yaml.org,2002:"
PLAIN = {PREFIX + kind for kind in ("str", "int", "float", "bool", "null", "seq", "map", "merge")}
MERGE = PREFIX + "merge"
DATE = PREFIX + "timestamp"
TEXT = PREFIX + "str"


class NotPlain(ValueError):
    """Text that is not YAML, or YAML that a recipe may not contain; the message says where and
    why."""


def read_yaml(path: Path) -> Any:
    """The values of a file. Raises NotPlain, and OSError as `open` does."""
    if path.exists() and not path.is_file():
        raise NotPlain("expected a file, found a folder, pipe or device")
    if path.stat().st_size > LARGEST_FILE:
        raise NotPlain(f"expected at most {LARGEST_FILE} bytes, found {path.stat().st_size}")
    try:
        return parse_yaml(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise NotPlain(f"expected UTF-8, found {error}") from error


def parse_yaml(text: str) -> Any:
    """The values of a text; None if it is empty. Raises NotPlain."""
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if node is None:
            return None
        _require_plain(node, {})
        return loader.construct_document(node)
    except RecursionError as error:
        raise NotPlain("the values are nested too deeply") from error
    except (yaml.YAMLError, ValueError) as error:
        raise error if isinstance(error, NotPlain) else NotPlain(str(error)) from error


def _require_plain(node: yaml.Node, sizes: dict[yaml.Node, int]) -> int:
    """How many values the node holds with its aliases expanded; sizes: of nodes seen, 0 while open.

    Raises NotPlain.
    """
    if node in sizes:
        if not sizes[node]:
            raise NotPlain(f"an alias holds itself{_place(node)}")
        return sizes[node]
    sizes[node] = 0
    if node.tag == DATE:  # a recipe has no dates: `2024-05-01` is text
        node.tag = TEXT
    if node.tag not in PLAIN:
        raise NotPlain(f"tags are not allowed: {node.tag.replace(PREFIX, '!!')}{_place(node)}")
    size = 1 + sum(_require_plain(child, sizes) for child in _children(node))
    if size > LARGEST_TREE:
        raise NotPlain(f"more than {LARGEST_TREE} values, aliases expanded{_place(node)}")
    sizes[node] = size
    return size


def _children(node: yaml.Node) -> list[yaml.Node]:
    if not isinstance(node, yaml.MappingNode):
        return node.value if isinstance(node, yaml.SequenceNode) else []
    keys: set[str] = set()
    for key, _ in node.value:
        if isinstance(key, yaml.ScalarNode) and key.value in keys and key.tag != MERGE:
            raise NotPlain(f"the key {key.value!r} stands twice{_place(key)}")
        keys.update([key.value] if isinstance(key, yaml.ScalarNode) else [])
    return [child for pair in node.value for child in pair]


def _place(node: yaml.Node) -> str:
    return f" (line {node.start_mark.line + 1})"
