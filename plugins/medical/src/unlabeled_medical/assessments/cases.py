"""Labelled scans, read when they are needed, with masks of class numbers on their voxels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import overload

import numpy as np

from unlabeled.contract import LabelledItems, Source
from unlabeled.data.items import Item
from unlabeled.errors import DataError, RunError, UnreadableItem
from unlabeled_medical.assessments.dense_probe import Labelled
from unlabeled_medical.readers.volumes import Volumes
from unlabeled_medical.volume import Volume

MOST_CLASSES = 256
"""More values than these are a scan, or a lossy picture, in place of a label map."""
NAMED = 3
"""Masks that an error names."""
HELD = 16
"""Scans that are held in memory at a time."""


@dataclass(frozen=True, slots=True)
class Cases:
    """What is known of the labelled scans after each was read once.

    places: (n,) positions among the labels, of scans that can be read; values: (C,) of the classes
    in the masks, 0, the background, first; held: (n, C) bool, which ones a mask holds.
    """

    places: np.ndarray
    values: np.ndarray
    held: np.ndarray

    @property
    def empty(self) -> int:
        """How many masks are background alone."""
        return int((~self.held[:, 1:].any(1)).sum())


class Lazy(Sequence[Labelled]):
    """Scans with masks at `places` (n,) of the labels; a few are kept, so that draws share them."""

    def __init__(
        self, source: Source, labels: LabelledItems, values: np.ndarray, places: np.ndarray
    ) -> None:
        self._places = places

        def read(place: int) -> Labelled:
            volume, mask = read_case(source, labels, place)
            return Labelled(volume, np.searchsorted(values, mask))

        self._read = lru_cache(maxsize=HELD)(read)

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, index: int) -> Labelled: ...
    @overload
    def __getitem__(self, index: slice) -> list[Labelled]: ...

    def __getitem__(self, index: int | slice) -> Labelled | list[Labelled]:
        if isinstance(index, slice):
            return [self[n] for n in range(len(self))[index]]
        return self._read(int(self._places[index]))


def survey(source: Source, labels: LabelledItems) -> Cases:
    """Read every labelled scan with its mask. Scans that cannot be read are left out by `source`.

    Raises RunError for another reader, DataError that names masks which cannot be used.
    """
    require_volumes(source)
    places, found, bad = list[int](), list[np.ndarray](), list[str]()
    for place in range(len(labels.rows)):
        try:
            for values in _values(source, labels, place):
                places.append(place)
                found.append(values)
        except BadMask as error:
            bad.append(f"{labels.where([place])}: {error}")
    if bad:
        more = f"\n  and {len(bad) - NAMED} more" if len(bad) > NAMED else ""
        raise DataError(
            f"{len(bad)} of {len(labels.rows)} masks cannot be used:\n  "
            + "\n  ".join(bad[:NAMED])
            + more
        )
    if not found:
        raise DataError("none of the labelled scans can be read")
    values = np.unique(np.concatenate([np.zeros(1), *found]))
    if len(values) < 2:
        raise DataError(f"all {len(found)} masks are empty: they hold 0, the background, alone")
    if len(values) > MOST_CLASSES:
        raise DataError(
            f"the masks hold {len(values)} different values, more than {MOST_CLASSES} classes: "
            "expected label maps, found what looks like scans or lossy pictures"
        )
    return Cases(np.array(places), values, np.stack([np.isin(values, each) for each in found]))


class BadMask(Exception):
    """A mask that cannot be used: no fault of its scan, and no reason to leave it out."""


def read_case(source: Source, labels: LabelledItems, place: int) -> tuple[Volume, np.ndarray]:
    """A scan and its mask (*S,), as stored, on its voxels. Raises UnreadableItem and BadMask."""
    item = source.items[int(labels.rows[place])]
    volume: Volume = source.reader.read(item)
    return volume, _mask(source, labels, place, item, volume)


def _values(source: Source, labels: LabelledItems, place: int) -> Iterator[np.ndarray]:
    """The values in a mask; nothing if its scan cannot be read. Raises BadMask."""

    def of(item: Item) -> np.ndarray:
        volume: Volume = source.reader.read(item)
        values: np.ndarray = np.unique(_mask(source, labels, place, item, volume))
        return values

    yield from source.tried(int(labels.rows[place]), of)


def _mask(
    source: Source, labels: LabelledItems, place: int, item: Item, volume: Volume
) -> np.ndarray:
    """Raises BadMask, which is no UnreadableItem: a scan is not left out for its mask."""
    name = labels.table[labels.targets[0]][place].as_py()
    if not isinstance(name, str) or not name:
        raise BadMask(f"expected the file of one mask, found {name!r}")
    path = labels.folder / name
    if not path.is_file():
        raise BadMask(f"{path}: expected a mask, found no such file")
    reader = require_volumes(source)
    try:
        values = reader.read_target(item, path, volume).values[0].numpy()
    except UnreadableItem as error:
        raise BadMask(str(error)) from error
    if values.min() < 0:
        raise BadMask(
            f"{path}: expected 0 for the background and positive numbers of classes, found "
            f"{values.min():g}"
        )
    mask: np.ndarray = values
    return mask


def require_volumes(source: Source) -> Volumes:
    """The reader, which has to be that of scans. Raises RunError."""
    if not isinstance(source.reader, Volumes):
        found = type(source.reader).__name__
        raise RunError(f"segmentation needs scans, of the reader medical/volumes; found {found}")
    return source.reader
