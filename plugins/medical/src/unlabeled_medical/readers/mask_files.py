"""Which mask belongs to which scan: by a datalist, or by the names of files.

A folder (`labelsTr`, `derivatives`, one of your own) is matched to scans by names, the strictest
rule that finds any scan: the same path, the same name, the same name without the number of a
channel and words such as `seg`, the same patient and visit. `dataset.json` of the Decathlon, of
nnU-Net or of MONAI names the mask of each image; masks of its section `validation` are tested.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pyarrow as pa

from unlabeled.data.items import Items
from unlabeled.data.labels import Labels
from unlabeled.data.listing import FileRules, Listed, list_files
from unlabeled.errors import DataError
from unlabeled_medical.readers import datalists, nnunet
from unlabeled_medical.readers.entries import Choosing
from unlabeled_medical.readers.kinds import (
    ENDINGS,
    LABEL_WORDS,
    kind_of,
    looks_like_label,
    stem,
)
from unlabeled_medical.readers.names import trim
from unlabeled_medical.readers.table import files_of_source

SECTIONS = {"training": "train", "validation": "test"}
ENTITIES = re.compile(r"_(?:desc|label|space|res|hemi)-[A-Za-z0-9]+")
WORD = re.compile(rf"[_\-. ]+(?:{'|'.join(sorted(LABEL_WORDS))})$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Named:
    """A mask's path below the folder, the items that it belongs to (none if it fits none) and its
    split, "" where nothing says so."""

    mask: str
    items: Sequence[str]
    split: str = ""


def find_masks(path: Path, items: Items) -> Labels:
    """A table with the columns `item`, `mask` and, if a datalist has two sections, `split`.

    path: a folder or a datalist. Raises DataError if there are no masks, or two of one scan.
    """
    if not path.exists():
        raise DataError(f"{path}: there is no such file or folder")
    found, notes = _by_datalist(path, items) or _by_names(path, items)
    _require_one_each(found, path)
    rows = [(item, n.mask, n.split) for n in found for item in n.items or (n.mask,)]
    table = pa.table({"item": [row[0] for row in rows], "mask": [row[1] for row in rows]})
    if {split for _, _, split in rows} == set(SECTIONS.values()):
        table = table.append_column("split", pa.array([row[2] for row in rows]))
    return Labels(table, np.arange(1, len(rows) + 1), path.name, tuple(notes))


def _by_datalist(path: Path, items: Items) -> tuple[list[Named], list[str]] | None:
    """What a datalist says; None if there is none, or it names no masks."""
    file = path / datalists.NAME if path.is_dir() else path
    if file.suffix.lower() != ".json":
        raise DataError(
            f"{path}: expected a folder of masks, a datalist (JSON) or a table with the columns "
            "item and mask"
        )
    if not file.is_file():
        return None
    content = datalists.read(file, Choosing(), required=False)
    rows = list(_labelled_rows(content))
    if not rows:
        if path.is_dir():
            return None
        raise DataError(f"{file}: expected rows with an image and its label, found none")
    by_path = _by_path(items)
    by_name = _index(items, _without_words)
    found = []
    for image, mask, section in rows:
        own = by_path.get((file.parent / image).resolve())
        known = own or by_name.get(_without_words(image), [])
        found.append(Named(PurePosixPath(mask).as_posix(), known, SECTIONS.get(section, "")))
    return found, []


def _labelled_rows(content: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """(image, label, section) of every row that has both."""
    cases = content.get("dataset")
    listed = [("", row) for row in cases.values()] if isinstance(cases, dict) else []
    for section in SECTIONS:
        rows = content.get(section)
        listed += [(section, row) for row in rows] if isinstance(rows, list) else []
    for section, row in listed:
        if not isinstance(row, dict):
            continue
        image, label = row.get("image", row.get("images")), row.get("label")
        first = image[0] if isinstance(image, list) and image else image
        if isinstance(first, str) and isinstance(label, str):
            yield first.replace("\\", "/"), label.replace("\\", "/"), section


def _by_names(folder: Path, items: Items) -> tuple[list[Named], list[str]]:
    listing = list_files(folder, FileRules(), ENDINGS)
    files = [file for file in listing.files if kind_of(file.name) != "companion"]
    masks, note = _that_are_masks(files)
    if not masks:
        raise DataError(f"{folder}: expected masks of scans, found no image file")
    rules = [_whole, _name, _without_words, _patient]
    indices = [(rule, _index(items, rule)) for rule in rules]
    found = []
    for name in masks:
        fitting = (index[key] for rule, index in indices if (key := rule(name)) in index)
        found.append(Named(name, next(fitting, [])))
    return found, [note] if note else []


def _that_are_masks(files: Sequence[Listed]) -> tuple[list[str], str]:
    """Of a data set's folder those of `labelsTr` and the like, else those that look like label
    maps by name; all where none does."""
    names = [file.name for file in files]
    chosen = [name for name in names if looks_like_label(name)] or names
    if len(chosen) == len(names):
        return names, ""
    return chosen, f"{len(names) - len(chosen)} images without a word for masks are no labels."


def _require_one_each(found: Sequence[Named], path: Path) -> None:
    counts = Counter(item for each in found for item in each.items)
    for item, count in counts.most_common(1):
        if count > 1:
            both = [each.mask for each in found if item in each.items][:3]
            raise DataError(
                f"{path}: expected one mask for each scan, found {count} for {item!r}: "
                f"{', '.join(both)}. Name another folder, or a table with the columns item and "
                "mask."
            )


def _index(items: Items, rule: Callable[[str], str]) -> dict[str, list[str]]:
    """Ids by what a rule makes of their paths."""
    found: dict[str, list[str]] = defaultdict(list)
    for name in items.table["id"].to_pylist():
        found[rule(name.partition("#")[0])].append(name)
    return found


def _by_path(items: Items) -> dict[Path, list[str]]:
    """Ids by every file that they are read from."""
    found: dict[Path, list[str]] = defaultdict(list)
    for name, source in zip(*(items.table[c].to_pylist() for c in ("id", "source")), strict=True):
        for path in {files[0] for files in files_of_source(source) if files}:
            found[path.resolve()].append(name)
    return found


def _whole(name: str) -> str:
    return (PurePosixPath(name).parent / stem(PurePosixPath(name).name)).as_posix()


def _name(name: str) -> str:
    return stem(PurePosixPath(name).name)


def _without_words(name: str) -> str:
    """`BraTS_001-seg` and `BraTS_001_0000` are `BraTS_001`."""
    kept = ENTITIES.sub("", _name(name))
    if channel := nnunet.CHANNEL.fullmatch(kept):
        kept = channel["case"]
    while (shorter := WORD.sub("", kept)) != kept:
        kept = shorter
    return kept


def _patient(name: str) -> str:
    """Without its sequence too: `P01_followup_T1` and `P01_followup_seg` are one visit."""
    named = trim(_without_words(name))
    return f"{named.rest} {named.session}"
