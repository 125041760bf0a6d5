"""The sound files of a folder, and the clips they are cut into."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from unlabeled.data.listing import FOREIGN, FileRules, Listing, list_files
from unlabeled.data.repeats import gather
from unlabeled.data.tables import name_rows
from unlabeled.errors import UnreadableItem
from unlabeled.wording import counted
from unlabeled_audio.readers.decoding import SUFFIXES, Header, read_header

CONVERTIBLE = frozenset(
    (".m4a", ".aac", ".mp4", ".m4b", ".3gp", ".amr", ".wma", ".webm", ".mka", ".ac3", ".ape", ".wv")
)
"""Sound that libsndfile does not read, and ffmpeg does."""


@dataclass(frozen=True, slots=True)
class Row:
    """One clip: `frames` samples of a file from sample `first` on, at the file's own rate.

    number: of its row in a manifest.
    """

    id: str
    path: Path
    header: Header
    first: int
    frames: int
    group: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    number: int = 0

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


def notes_on_formats(listing: Listing) -> list[str]:
    """Advice for sound in formats that are not read."""
    kinds = " ".join(each.kinds for each in listing.left_out if each.reason == FOREIGN)
    found = sorted(CONVERTIBLE & set(re.findall(r"\.\w+", kinds)))
    if not found:
        return []
    return [
        f"{', '.join(found)} files are sound of a format that is not read here; convert them: "
        f"ffmpeg -i NAME{found[0]} NAME.flac"
    ]


def join_repeats(rows: Sequence[Row]) -> tuple[list[Row], list[str]]:
    """One row for each clip, in the order of the first ones, and notes.

    Metadata in which the rows of a clip differ become lists. Raises DataError where it has two
    groups.
    """
    order: dict[str, list[int]] = {}
    for place, row in enumerate(rows):
        order.setdefault(row.id, []).append(place)
    if len(order) == len(rows):
        return list(rows), []
    places = [place for alike in order.values() for place in alike]
    ordered = [rows[place] for place in places]
    thing = np.repeat(np.arange(len(order)), [len(alike) for alike in order.values()])
    columns = {"group": [row.group for row in ordered]}
    columns |= {key: [row.metadata[key] for row in ordered] for key in rows[0].metadata}
    found = gather(pa.table(columns), thing, ["group"], partial(_where, ordered))
    several = [n for n in found.table.column_names if pa.types.is_list(found.table[n].type)]
    notes = [
        f"{counted(len(rows), 'row', 'is', 'are')} about {counted(len(order), 'clip')}"
        + (f"; {', '.join(several)}: a list of the values of each clip" if several else "")
        + (
            f"; {counted(len(found.repeated), 'row', 'repeats', 'repeat')} another"
            if len(found.repeated)
            else ""
        )
    ]
    metadata = found.table.drop_columns("group").to_pylist() if rows[0].metadata else None
    joined = [ordered[first] for first in found.first]
    if metadata:
        joined = [replace(row, metadata=m) for row, m in zip(joined, metadata, strict=True)]
    return joined, notes


def _where(rows: Sequence[Row], places: Sequence[int]) -> str:
    found = [rows[place] for place in places]
    return f"{found[0].id}, {name_rows([row.number for row in found])}"
