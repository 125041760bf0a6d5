"""Louder or softer."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
from pydantic import Field, model_validator

from unlabeled.contract import Range
from unlabeled.settings import Settings
from unlabeled_audio.waveform import Waveform


class Gain(Settings):
    """Changes the level by a uniform number of decibels; may leave [-1, 1], nothing is clipped."""

    keeps: ClassVar[str] = "everything but the level"
    expects: ClassVar[Range] = Range(unit="full scale")
    returns: ClassVar[Range] = Range(unit="full scale")

    low_db: float = Field(-6.0, description="smallest change of level (dB)")
    high_db: float = Field(6.0, description="largest change of level (dB)")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low_db > self.high_db:
            raise ValueError(f"low_db ({self.low_db}) is above high_db ({self.high_db})")
        return self

    def __call__(self, sample: Waveform, rng: np.random.Generator) -> Waveform:
        decibels = rng.uniform(self.low_db, self.high_db)
        return sample.with_values(sample.values * 10 ** (decibels / 20))
