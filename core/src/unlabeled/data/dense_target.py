"""A target that has a value at every place of its sample: a mask."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from unlabeled.errors import DataError, ShapeError

UNKNOWN = -1
"""The class of places that nobody labelled."""


class DenseTarget(ABC):
    """A mask: a sample of the reader's own type that derives from this class as well.

    So an augmentation that moves what a sample shows can be applied to both. It interpolates
    masks by the nearest neighbour, which it knows by `isinstance(sample, DenseTarget)`.
    """

    @abstractmethod
    def classes(self) -> np.ndarray:
        """The class at each place of the sample's grid, (S, …) int64, -1 where it is unknown."""


def pad_targets(
    targets: Sequence[DenseTarget | None], grid: tuple[int, ...], classes: int
) -> np.ndarray:
    """Join masks: (N, *grid) int64, -1 behind a mask's end and where a sample has none.

    grid: of the batch that the encoder collated, which pads samples at the end as well; classes:
    how many there are. Raises DataError for another class, ShapeError for a mask beyond the grid.
    """
    joined = np.full((len(targets), *grid), UNKNOWN, np.int64)
    for row, target in zip(joined, targets, strict=True):
        if target is not None:
            mask = target.classes()
            _require(mask, grid, classes)
            row[tuple(map(slice, mask.shape))] = mask
    return joined


def _require(mask: np.ndarray, grid: tuple[int, ...], classes: int) -> None:
    if mask.ndim != len(grid) or any(m > g for m, g in zip(mask.shape, grid, strict=True)):
        raise ShapeError(
            f"masks: expected at most the grid of the batch, {grid}, found a shape of {mask.shape}."
        )
    low, high = (mask.min(), mask.max()) if mask.size else (0, 0)
    if low < UNKNOWN or high >= classes:
        raise DataError(
            f"masks: expected classes 0 to {classes - 1}, and {UNKNOWN} where it is unknown; "
            f"found {low} to {high}. Set the pretext's `classes`, or correct the masks."
        )
