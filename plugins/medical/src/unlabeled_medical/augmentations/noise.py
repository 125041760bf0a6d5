"""Additive Gaussian noise."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import numpy as np
import torch
from pydantic import Field

from unlabeled.contract import Range
from unlabeled.settings import Settings
from unlabeled_medical.volume import Volume


class Noise(Settings):
    """Independent in every voxel, with a spread drawn anew for each call."""

    keeps: ClassVar[str] = "places, and intensities on average"
    expects: ClassVar[Range] = Range(unit="standardised")
    returns: ClassVar[Range] = Range(unit="standardised")

    largest: float = Field(0.2, ge=0, description="largest standard deviation")

    def __call__(self, sample: Volume, rng: np.random.Generator) -> Volume:
        spread = np.float32(rng.uniform(0, self.largest))
        drawn = rng.standard_normal(tuple(sample.values.shape), dtype=np.float32) * spread
        there = sample.present.view(-1, *[1] * len(sample.size))
        return replace(sample, values=sample.values + torch.from_numpy(drawn) * there)
