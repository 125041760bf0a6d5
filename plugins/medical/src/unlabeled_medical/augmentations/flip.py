"""Mirrored along some axes."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from unlabeled.contract import MovesSpace, Range
from unlabeled.settings import Settings
from unlabeled_medical.volume import Volume


class Flip(Settings, MovesSpace):
    """Mirrors each of `axes` with probability 1/2. In RAS orientation axis 0 is left and right:
    leave it out if the side matters."""

    keeps: ClassVar[str] = "intensities; the place of each voxel in the world"
    expects: ClassVar[Range] = Range()
    returns: ClassVar[Range] = Range()

    axes: tuple[int, ...] = Field((0,), description="axes that may be mirrored")

    def __call__(self, sample: Volume, rng: np.random.Generator) -> Volume:
        for axis in self.axes:
            if rng.random() < 0.5:
                sample = sample.flipped(axis)
        return sample
