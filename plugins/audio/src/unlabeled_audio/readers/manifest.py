"""Manifests: tables of segments, one a row, in the files that they name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from unlabeled.data.columns import notes_on_missing, numbers, typed
from unlabeled.data.globs import compile_pattern, fields_of
from unlabeled.data.listing import FileRules, Listing, unwanted
from unlabeled.data.tables import Table, name_rows, read_table
from unlabeled.errors import UnreadableItem
from unlabeled.wording import counted
from unlabeled_audio.readers.decoding import Header, read_header
from unlabeled_audio.readers.listing import Row

OWN_COLUMNS = ("path", "start", "end", "group")

OVERHANG = 0.1
"""s. Rounded times may end up to this long after their file, and are cut there."""


def list_manifest(manifest: Path, rules: FileRules) -> tuple[list[Row], Listing, list[str]]:
    """The rows of a table that `rules` leave, and notes; each file's header is read once.

    Fields of a pattern join the columns, as in every reader. Raises DataError if the table cannot
    be read or lacks a column, with the row of a time that is no number.
    """
    table = read_table(manifest)
    fields = fields_of(rules.pattern or "")
    group = rules.group or ("group" if "group" in (*fields, *table.names) else None)
    table.require("path", *([group] if group and group not in fields else []))
    named = compile_pattern(rules.pattern) if rules.pattern else None
    segments = _Segments(manifest, group)
    starts, ends = (_seconds(table, name) for name in ("start", "end"))
    columns = typed(table, [name for name in ("path", group) if name])
    every = dict.fromkeys((*table.names, *fields))
    others = [name for name in every if name not in (*OWN_COLUMNS, group)]
    for place, values in enumerate(columns.columns.to_pylist()):
        if reason := unwanted(str(values["path"] or ""), rules):
            segments.listing.leave_out(reason)
            continue
        match = named.fullmatch(str(values["path"] or "")) if named else None
        if named and match is None:
            segments.listing.leave_out(f"by the pattern {rules.pattern}")
            continue
        values = {**values, **(match.groupdict() if match else {})}
        number = int(table.rows[place])
        segments.add(number, values, starts[place], ends[place], others)
    own = [name for name in others if name in table.names]
    segments.listing.quarantined[:0] = table.quarantined()
    notes = [*table.notes(), *notes_on_missing(table, columns, own), *segments.notes()]
    return segments.rows, segments.listing, notes


@dataclass(slots=True)
class _Segments:
    """cut: seconds by which rows ended after their file, by row number."""

    manifest: Path
    group: str | None
    rows: list[Row] = field(default_factory=list)
    listing: Listing = field(init=False)
    cut: dict[int, float] = field(default_factory=dict)
    _headers: dict[str, Header | UnreadableItem] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.listing = Listing(self.manifest)

    def add(
        self, number: int, values: Mapping[str, Any], start: float, end: float, others: list[str]
    ) -> None:
        """A row of the table, or why it is left out. start, end: s, NaN where none is given."""
        place = f"{self.manifest}, row {number}"
        try:
            if not values["path"]:
                raise UnreadableItem(place, "a path", "an empty field")
            header = self._header(str(values["path"]))
            first, last = self._bounds(place, number, header, start, end)
        except UnreadableItem as error:
            self.listing.quarantine(error)
            return
        group = (values[self.group] or "") if self.group else ""
        path = PurePosixPath(str(values["path"]))
        metadata = {name: values[name] for name in others}
        row = Row(
            path.as_posix(),
            self.manifest.parent / path,
            header,
            first,
            last - first,
            group,
            metadata,
            number,
        )
        whole = np.isnan(start) and np.isnan(end)
        self.rows.append(row if whole else row.part(0, last - first))

    def notes(self) -> list[str]:
        if not self.cut:
            return []
        return [
            f"{counted(len(self.cut), 'segment', 'ends', 'end')} up to "
            f"{max(self.cut.values()):.4g} s after the end of the file, cut there "
            f"({self.manifest.name}, {name_rows(list(self.cut))})"
        ]

    def _header(self, name: str) -> Header:
        if name not in self._headers:
            try:
                self._headers[name] = read_header(self.manifest.parent / name)
            except UnreadableItem as error:
                self._headers[name] = error
        found = self._headers[name]
        if isinstance(found, UnreadableItem):
            raise found
        return found

    def _bounds(
        self, place: str, number: int, header: Header, start: float, end: float
    ) -> tuple[int, int]:
        """First sample, and the one after the last."""
        rate, frames = header.sample_rate, header.frames
        first = 0 if np.isnan(start) else round(start * rate)
        last = frames if np.isnan(end) else round(end * rate)
        over = (last - frames) / rate
        if not 0 <= first < min(last, frames) or over > OVERHANG:
            expected = f"a segment within its {frames / rate:.3f} s"
            raise UnreadableItem(place, expected, f"start {start:g} s, end {end:g} s")
        if over > 0:
            self.cut[number] = over
        return first, min(last, frames)


def _seconds(table: Table, name: str) -> np.ndarray:
    """(N,) s, NaN where there is none."""
    if name not in table.names:
        return np.full(len(table), np.nan)
    values, known = numbers(table, name)
    return np.where(known, values, np.nan)
