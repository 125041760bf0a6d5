"""Higher or lower at the same tempo."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
from pydantic import Field, model_validator

from unlabeled.contract import Range
from unlabeled.settings import Settings
from unlabeled_audio.augmentations.speed import to_length
from unlabeled_audio.augmentations.time_stretch import stretch
from unlabeled_audio.waveform import Waveform


class Pitch(Settings):
    """Shifts the pitch by a uniform number of semitones; formants move with it."""

    keeps: ClassVar[str] = "tempo and length"
    expects: ClassVar[Range] = Range(unit="full scale")
    returns: ClassVar[Range] = Range(unit="full scale")

    low_semitones: float = Field(-3.0, description="largest shift down (semitones)")
    high_semitones: float = Field(3.0, description="largest shift up (semitones)")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low_semitones > self.high_semitones:
            raise ValueError(
                f"low_semitones ({self.low_semitones}) is above "
                f"high_semitones ({self.high_semitones})"
            )
        return self

    def __call__(self, sample: Waveform, rng: np.random.Generator) -> Waveform:
        factor = 2 ** (rng.uniform(self.low_semitones, self.high_semitones) / 12)
        slower = stretch(sample.values, 1 / factor)
        return sample.with_values(to_length(slower, sample.values.shape[-1]))
