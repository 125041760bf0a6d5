"""A random window of random size, resized to one size."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Self

import numpy as np
import torch.nn.functional as F
from pydantic import Field, model_validator

from unlabeled.contract import DenseTarget, MovesSpace, Range
from unlabeled.settings import Settings
from unlabeled_medical.volume import Volume


class ResizedCrop(Settings, MovesSpace):
    """Cuts a share of each axis, drawn once for all, and interpolates it linearly to `size`.

    Source: the crop of Chen et al., ICML 2020, arXiv:2002.05709, with one share for all axes, so
    that shapes keep their proportions where the volume is a cube.
    """

    keeps: ClassVar[str] = "what is seen, not its scale; the place of each voxel in the world"
    expects: ClassVar[Range] = Range()
    returns: ClassVar[Range] = Range()

    size: int = Field(24, ge=2, description="side of the result, in voxels")
    smallest: float = Field(0.5, gt=0, le=1, description="smallest share of each axis")
    largest: float = Field(1.0, gt=0, le=1, description="largest share of each axis")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.smallest > self.largest:
            raise ValueError(f"smallest ({self.smallest}) is above largest ({self.largest})")
        return self

    def __call__(self, sample: Volume, rng: np.random.Generator) -> Volume:
        share = rng.uniform(self.smallest, self.largest)
        size = [max(round(share * length), 1) for length in sample.size]
        start = [int(rng.integers(n - s + 1)) for n, s in zip(sample.size, size, strict=True)]
        window = sample.crop(start, size)
        mode = "bilinear" if len(size) == 2 else "trilinear"
        if isinstance(sample, DenseTarget):
            mode = "nearest-exact"  # as "nearest" takes the voxel before the middle
        values = F.interpolate(window.values[None], (self.size,) * len(size), mode=mode)[0]
        # Corners of voxels stay where they are, so the first centre moves by half the change.
        scale = np.array(size) / self.size
        affine = window.moved(((scale - 1) / 2).tolist())
        affine[:, :-1] *= scale
        return replace(window, values=values, affine=affine)
