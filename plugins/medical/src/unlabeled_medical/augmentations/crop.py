"""A random window, in voxels."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from unlabeled.contract import MovesSpace, Range
from unlabeled.settings import Settings
from unlabeled_medical.volume import Volume


class Crop(Settings, MovesSpace):
    """Cuts a window at a uniformly drawn place; an axis that is shorter stays whole.

    Two crops of one volume know their overlap: their voxels keep their place in mm.
    """

    keeps: ClassVar[str] = "the size of voxels; the place of each in the world"
    expects: ClassVar[Range] = Range()
    returns: ClassVar[Range] = Range()

    size: int = Field(16, ge=1, description="side of the window, in voxels")

    def __call__(self, sample: Volume, rng: np.random.Generator) -> Volume:
        size = [min(self.size, length) for length in sample.size]
        start = [int(rng.integers(n - s + 1)) for n, s in zip(sample.size, size, strict=True)]
        return sample.crop(start, size)
