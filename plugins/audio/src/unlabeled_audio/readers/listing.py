"""What there is to read: the sound files of a folder, or the segments of a manifest."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from unlabeled.data.listing import FileRules, Listing, list_files
from unlabeled.errors import DataError, UnreadableItem
from unlabeled_audio.readers.decoding import SUFFIXES, Header, read_header

OWN_COLUMNS = ("path", "start", "end", "group")


@dataclass(frozen=True, slots=True)
class Row:
    """One clip: `frames` samples of a file from sample `first` on, at the file's own rate."""

    id: str
    path: Path
    header: Header
    first: int
    frames: int
    group: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def part(self, start: int, frames: int) -> Row:
        """The `frames` samples from sample `start` of this clip on, named by its seconds."""
        rate, first = self.header.sample_rate, self.first + start
        name = f"{self.id.partition('@')[0]}@{first / rate:.9g}-{(first + frames) / rate:.9g}"
        return replace(self, id=name, first=first, frames=frames)

    def windows(self, seconds: float, hop_seconds: float) -> list[Row]:
        """Windows in order, the last one cut at the clip's end; a short clip is its own."""
        length, hop = (max(round(s * self.header.sample_rate), 1) for s in (seconds, hop_seconds))
        if self.frames <= length:
            return [self]
        starts = range(0, self.frames - length + hop, hop)
        return [self.part(start, min(length, self.frames - start)) for start in starts]


def list_folder(folder: Path, rules: FileRules) -> tuple[list[Row], Listing]:
    """The sound files below `folder` (or `folder` itself, if it is one), in order of their names.

    Raises DataError and RecipeError as `list_files` does.
    """
    listing, rows = list_files(folder, rules, SUFFIXES), list[Row]()
    for file in listing.files:
        try:
            header = read_header(file.path)
        except UnreadableItem as error:
            listing.quarantine(error)
        else:
            rows.append(
                Row(file.name, file.path, header, 0, header.frames, file.group, file.fields)
            )
    return rows, listing


def list_manifest(manifest: Path, group: str | None) -> tuple[list[Row], Listing]:
    """The rows of a CSV or Parquet table; its files' headers are read once each.

    Raises DataError if the table cannot be read or lacks a column.
    """
    table = _table(manifest)
    group = group or ("group" if "group" in table.column_names else None)
    _check_columns(table, manifest, group)
    listing, rows = Listing(manifest), list[Row]()
    headers: dict[Path, Header | UnreadableItem] = {}
    for values in table.to_pylist():
        path = manifest.parent / str(values["path"])
        if path not in headers:
            headers[path] = _header(path)
        try:
            rows.append(_segment(path, headers[path], values, group))
        except UnreadableItem as error:
            listing.quarantine(error)
    return rows, listing


def _header(path: Path) -> Header | UnreadableItem:
    try:
        return read_header(path)
    except UnreadableItem as error:
        return error


def _segment(
    path: Path, header: Header | UnreadableItem, values: Mapping[str, Any], group: str | None
) -> Row:
    if isinstance(header, UnreadableItem):
        raise header
    start, end = (values.get(key) for key in ("start", "end"))
    first = 0 if start is None else round(start * header.sample_rate)
    last = header.frames if end is None else round(end * header.sample_rate)
    if not 0 <= first < last <= header.frames:
        seconds = header.frames / header.sample_rate
        expected = f"a segment within its {seconds:.3f} s"
        raise UnreadableItem(str(path), expected, f"start {start} s, end {end} s")
    label = "" if group is None else str(values[group])
    metadata = {key: value for key, value in values.items() if key not in (*OWN_COLUMNS, group)}
    row = Row(str(values["path"]), path, header, first, last - first, label, metadata)
    return row if start is None and end is None else row.part(0, last - first)


def _check_columns(table: pa.Table, manifest: Path, group: str | None) -> None:
    for column in filter(None, ("path", group)):
        if column not in table.column_names:
            raise DataError(
                f"{manifest}: expected a column {column!r}, found {', '.join(table.column_names)}"
            )
    for column in {"start", "end"} & set(table.column_names):
        values = table[column].to_pylist()
        bad = [x for x in values if x is not None and not (_is_number(x) and math.isfinite(x))]
        if bad:
            raise DataError(f"{manifest}, {column}: expected seconds or nothing, found {bad[0]!r}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _table(manifest: Path) -> pa.Table:
    try:
        if manifest.suffix.lower() == ".parquet":
            return pa.parquet.read_table(manifest)
        return pa.csv.read_csv(manifest)
    except (OSError, pa.ArrowException) as error:
        expected = "a CSV or Parquet table with a header row"
        raise DataError(f"{manifest}: expected {expected}, found: {error}") from error
