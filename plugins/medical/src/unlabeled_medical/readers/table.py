"""The columns of the index, and the files of a row.

Names of patients occur only in id, group and source, which runs write as pseudonyms or not at all:
a session is a number and a sequence a known word, whatever the file's own words are.
"""

from __future__ import annotations

import json
import os
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from nibabel.orientations import aff2axcodes

from unlabeled.data.items import Item
from unlabeled.errors import DataError, UnreadableItem
from unlabeled_medical.readers.conventions import SEQUENCES
from unlabeled_medical.readers.entries import Entry
from unlabeled_medical.readers.geometry import Grid
from unlabeled_medical.readers.header import Header
from unlabeled_medical.readers.names import PatientFrom

PUBLIC = (
    "session", "sequence", "split", "format", "frame", "axis", "slice", "shape", "spacing",
    "orientation", "channels", "rank",
)  # fmt: skip
"""Columns that cannot name a person: numbers, known words, and names of sections in the recipe.
Runs and tables write them unchanged; a new column is hidden until it is added here."""
KNOWN = re.compile(rf"(?<![A-Za-z0-9])({SEQUENCES})(?![A-Za-z0-9])", re.IGNORECASE)
PLANES = {"sagittal": 0, "coronal": 1, "axial": 2}
"""The axis, after turning towards RAS, that a slice of each plane is cut across."""


@dataclass(frozen=True, slots=True)
class Part:
    """The part of the files that an item is.

    frame: one of the frames, -1 for all as channels; axis: the one that an item of rank 2 lacks, -1
    for none; slice: the place on it.
    """

    frame: int = 0
    axis: int = -1
    slice: int = 0


def parts_of(header: Header, grid: Grid, frames: str, slices: str | None) -> Iterator[Part]:
    """The items that one stored image becomes."""
    single = header.frames == 1
    as_channels = header.colour or (frames == "channels" and not single)
    axis, places = flat_axis(grid), [0]
    if axis < 0 and slices:
        axis = PLANES[slices]
        places = list(range(grid.shape[axis]))
    for frame in [-1] if as_channels else range(header.frames):
        for place in places:
            yield Part(frame, axis, place)


def flat_axis(grid: Grid) -> int:
    """The axis of length 1 of a flat image, or -1."""
    return grid.shape.index(1) if 1 in grid.shape else -1


def row_of(
    entry: Entry, part: Part, header: Header, grid: Grid, slices: str | None
) -> dict[str, Any]:
    """One row of the index."""
    kept = [axis for axis in range(3) if axis != part.axis]
    shape = [grid.shape[axis] for axis in kept]
    per_file = header.frames if part.frame < 0 else 1
    marks = [f"frame={part.frame}"] if header.frames > 1 and part.frame >= 0 else []
    if slices and flat_axis(grid) < 0:
        marks.append(f"{slices}={part.slice}")
    group, patient_from = patient_of(entry, header)
    return {
        "id": "#".join([entry.id, *marks]),
        "source": source_of(entry),
        "group": group,
        "patient_from": patient_from,
        "size": int(np.prod(shape)),
        "session": header.session or entry.session,
        "sequence": known_sequences(header.sequence or entry.sequence),
        "split": entry.split,
        "format": entry.format,
        "frame": part.frame,
        "axis": part.axis,
        "slice": part.slice,
        "shape": shape,
        "spacing": [round(float(np.linalg.norm(grid.affine[:3, a])), 4) for a in kept],
        "orientation": orientation_of(header),
        "channels": len(entry.channels) * per_file,
        "rank": len(shape),
    }


def patient_of(entry: Entry, header: Header) -> tuple[str, PatientFrom]:
    """The patient of an entry and the source: tags, unless the entry names one."""
    if entry.patient_from != "tag":
        return entry.patient, entry.patient_from
    if header.patient:
        return header.patient, "tag"
    if header.session:  # a study belongs to one patient, even without a PatientID
        return f"study {header.session}", "study"
    return located(entry)[0], "folder"


def orientation_of(header: Header) -> str:
    """The directions of the stored axes, "RAS", "PSR" …; "" for files without them."""
    codes = aff2axcodes(header.affine) if header.spaced else ()  # type: ignore[no-untyped-call]
    return "".join(codes)


def number_sessions(rows: Sequence[dict[str, Any]]) -> None:
    """Replace the names of sessions by numbers from 1 for each patient; "" without one."""
    names: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        names[row["group"]].add(row["session"])
    numbers = {
        (group, name): str(number) if name else ""
        for group, found in names.items()
        for number, name in enumerate(sorted(found - {""}) or [""], start=1)
    }
    for row in rows:
        row["session"] = numbers.get((row["group"], row["session"]), "")


def known_sequences(words: str) -> str:
    """The names of sequences in a file's or a user's words, joined by "+"; "" if none is known."""
    return "+".join(match.group() for match in KNOWN.finditer(words))


def source_of(entry: Entry) -> str:
    """The file; or the folder of several and, in a second line, each channel's from there."""
    folder, names = located(entry)
    return f"{folder}\n{json.dumps(names)}" if names else folder


def files_of(item: Item) -> list[tuple[Path, ...] | None]:
    """The files of each channel of an indexed item."""
    return files_of_source(item.source)


@lru_cache(maxsize=4096)
def files_of_source(source: str) -> list[tuple[Path, ...] | None]:
    """Cached, as making paths and comparing them takes as long as cutting a small window."""
    folder, _, names = source.partition("\n[[")
    if not names:
        return [(Path(source),)]
    return [
        tuple(Path(folder) / name for name in channel) if channel else None
        for channel in json.loads(f"[[{names}")
    ]


def join_sequences(entries: Sequence[Entry], sequences: Sequence[str]) -> list[Entry]:
    """Entries of one patient and session as the channels of one, in the order of `sequences`.

    A patient without any of them is left out. Raises DataError if a sequence occurs twice.
    """
    wanted = {name.lower(): place for place, name in enumerate(sequences)}
    studies: dict[tuple[str, str], dict[int, Entry]] = defaultdict(dict)
    for entry in entries:
        place = wanted.get(entry.sequence.lower())
        if place is None:
            continue
        first = studies[entry.patient, entry.session].setdefault(place, entry)
        if first is not entry:
            raise DataError(
                f"{entry.id}: expected one {entry.sequence} of {entry.patient}, found also "
                f"{first.id}. Leave one out with the reader's exclude."
            )
    joined = []
    for (patient, session), found in studies.items():
        one = next(iter(found.values()))
        channels = tuple(
            found[place].channels[0] if place in found else None for place in wanted.values()
        )
        name = "/".join(filter(None, (patient, session)))
        joined.append(replace(one, id=name, channels=channels, sequence="+".join(sequences)))
    return joined


def require_one_grid(headers: Sequence[Header], name: str) -> None:
    """Raises UnreadableItem unless all channels have the first one's voxels."""
    first = headers[0]
    for other in headers[1:]:
        if (
            other.shape != first.shape
            or other.frames != first.frames
            or not np.allclose(other.affine, first.affine, atol=1e-2)
        ):
            found = f"shapes {first.shape} and {other.shape}, or another place or spacing"
            raise UnreadableItem(name, "sequences on one grid (register them first)", found)


def located(entry: Entry) -> tuple[str, list[list[str]]]:
    """Where an entry lies, and its files from there; none for a single file."""
    present = [file for files in entry.channels for file in files or ()]
    if len(present) == 1 and len(entry.channels) == 1:
        return str(present[0]), []
    folder = Path(os.path.commonpath([file.parent for file in present]))
    names = [[f.relative_to(folder).as_posix() for f in files or ()] for files in entry.channels]
    return str(folder), names
