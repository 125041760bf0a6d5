"""A random window of a clip."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from unlabeled.contract import Range
from unlabeled.settings import Settings
from unlabeled_audio.waveform import Waveform


class Crop(Settings):
    """Cut `seconds` of a clip at a uniformly drawn start; a shorter clip stays whole."""

    keeps: ClassVar[str] = "what kind of sound it is, if that lasts"
    expects: ClassVar[Range] = Range(unit="full scale")
    returns: ClassVar[Range] = Range(unit="full scale")

    seconds: float = Field(0.5, gt=0, description="length of the window (s)")

    def __call__(self, sample: Waveform, rng: np.random.Generator) -> Waveform:
        wanted = max(round(self.seconds * sample.sample_rate), 1)
        spare = sample.values.shape[-1] - wanted
        start = int(rng.integers(spare + 1)) if spare > 0 else 0
        return sample.with_values(sample.values[..., start : start + wanted].clone())
