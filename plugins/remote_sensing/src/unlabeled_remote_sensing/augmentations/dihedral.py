"""Flips and quarter turns, as images from above have no upright direction."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from unlabeled.contract import MovesSpace, Range
from unlabeled.settings import Settings
from unlabeled_remote_sensing.raster import Raster


class Dihedral(Settings, MovesSpace):
    """One of the eight symmetries of the square, the same for all sensors, equally likely."""

    keeps: ClassVar[str] = "values, sensors' alignment, map coordinates and scale"
    expects: ClassVar[Range] = Range()
    returns: ClassVar[Range] = Range()

    def __call__(self, sample: Raster, rng: np.random.Generator) -> Raster:
        turns, mirrored = int(rng.integers(4)), bool(rng.integers(2))
        for _ in range(turns):
            sample = _quarter_turn(sample)
        return _mirror(sample) if mirrored else sample


def _mirror(raster: Raster) -> Raster:
    """Left and right swapped."""
    width = raster.shape[1]
    return raster.rearranged(lambda x: x[..., ::-1], (-1.0, 0.0, float(width), 0.0, 1.0, 0.0))


def _quarter_turn(raster: Raster) -> Raster:
    """Anticlockwise: the new column is the old row, the new row counts old columns backwards."""
    width = raster.shape[1]
    moved = (0.0, -1.0, float(width), 1.0, 0.0, 0.0)
    return raster.rearranged(lambda x: np.rot90(x, axes=(-2, -1)), moved)
