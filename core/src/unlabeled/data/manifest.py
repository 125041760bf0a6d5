"""The files that a manifest lists: a table with a column `path`, one file a row.

Its other columns become metadata, as the fields of a pattern do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from unlabeled.data.items import Quarantined
from unlabeled.data.tables import Table, read_table
from unlabeled.errors import UnreadableItem

GROUP = "group"
"""The column that is the group where no other one is named."""


@dataclass(frozen=True, slots=True)
class ManifestRow:
    """name: the column `path`, with `/`; fields: the other columns but the group, "" for none;
    where: "files.csv, row 17"."""

    name: str
    fields: dict[str, str]
    group: str
    where: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """rows: those that name a file; quarantined: rows that do not parse or name none."""

    rows: list[ManifestRow]
    quarantined: list[Quarantined]
    notes: list[str]


def read_manifest(file: Path, group: str | None) -> Manifest:
    """The rows of a manifest; `path` is relative to the folder of the data.

    Raises DataError if the table cannot be read, or lacks the column `path` or `group`.
    """
    table = read_table(file)
    group = group or (GROUP if GROUP in table.names else None)
    table.require("path", *([group] if group else []))
    rows, bad = list[ManifestRow](), table.quarantined()
    for found in _rows(table, group):
        if isinstance(found, ManifestRow):
            rows.append(found)
        else:
            bad.append(Quarantined(found.source, found.expected, found.found))
    return Manifest(rows, bad, table.notes())


def _rows(table: Table, group: str | None) -> Iterator[ManifestRow | UnreadableItem]:
    first: dict[str, int] = {}
    for place, values in enumerate(table.columns.to_pylist()):
        number, where = int(table.rows[place]), table.where(place)
        texts = {name: "" if value is None else str(value) for name, value in values.items()}
        name = PurePosixPath(texts.pop("path").replace("\\", "/")).as_posix()
        if name == ".":
            yield UnreadableItem(where, "a path", "an empty field")
        elif first.setdefault(name, number) != number:
            yield UnreadableItem(where, "one row for each file", f"{name} as in row {first[name]}")
        else:
            known = texts.pop(group) if group else ""
            yield ManifestRow(name, texts, known, where)
