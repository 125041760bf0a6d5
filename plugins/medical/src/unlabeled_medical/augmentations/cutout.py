"""Boxes replaced by noise."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Self

import numpy as np
import torch
from pydantic import Field, model_validator

from unlabeled.contract import Range
from unlabeled.settings import Settings
from unlabeled_medical.volume import Volume


class Cutout(Settings):
    """Fills boxes with standard normal noise until a share of the voxels is gone.

    Source: the inpainting task of Tang et al., CVPR 2022, arXiv:2111.14791. Departs from its code,
    where the altered share varies from draw to draw: here boxes are added until `share` is reached,
    and the last one is cut.
    """

    keeps: ClassVar[str] = "what lies outside the boxes"
    expects: ClassVar[Range] = Range(unit="standardised")
    returns: ClassVar[Range] = Range(unit="standardised")

    share: float = Field(0.3, ge=0, lt=1, description="of the voxels that are replaced")
    smallest: float = Field(0.1, gt=0, le=1, description="shortest side of a box, share of an axis")
    largest: float = Field(0.3, gt=0, le=1, description="longest side of a box, share of an axis")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.smallest > self.largest:
            raise ValueError(f"smallest ({self.smallest}) is above largest ({self.largest})")
        return self

    def __call__(self, sample: Volume, rng: np.random.Generator) -> Volume:
        hidden = torch.from_numpy(self.boxes(sample.size, rng))
        drawn = rng.standard_normal(tuple(sample.values.shape), dtype=np.float32)
        hidden = hidden & sample.present.view(-1, *[1] * len(sample.size))
        return replace(sample, values=torch.where(hidden, torch.from_numpy(drawn), sample.values))

    def boxes(self, size: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        """bool, of the shape `size`: exactly round(share · voxels) are True."""
        hidden = np.zeros(size, dtype=bool)
        left = round(self.share * hidden.size)
        while left > 0:
            box = np.zeros(size, dtype=bool)
            box[tuple(self._side(length, rng) for length in size)] = True
            new = np.flatnonzero(box & ~hidden)[:left]
            hidden.ravel()[new] = True
            left -= len(new)
        return hidden

    def _side(self, length: int, rng: np.random.Generator) -> slice:
        side = max(round(rng.uniform(self.smallest, self.largest) * length), 1)
        start = int(rng.integers(length - side + 1))
        return slice(start, start + side)
