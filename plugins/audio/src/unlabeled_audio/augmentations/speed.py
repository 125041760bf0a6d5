"""Change speed and pitch together, like a tape."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
import torch
from pydantic import Field, model_validator
from scipy.signal import resample
from torch import Tensor

from unlabeled.contract import Range
from unlabeled.settings import Settings
from unlabeled_audio.waveform import Waveform


class Speed(Settings):
    """Plays a clip at another speed, log-uniform between `low` and `high`; its length changes."""

    keeps: ClassVar[str] = "what is said or heard, at another pitch and tempo"
    expects: ClassVar[Range] = Range(unit="full scale")
    returns: ClassVar[Range] = Range(unit="full scale")

    low: float = Field(0.85, gt=0, description="slowest speed, as a factor")
    high: float = Field(1.15, gt=0, description="fastest speed, as a factor")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low > self.high:
            raise ValueError(f"low ({self.low}) is above high ({self.high})")
        return self

    def __call__(self, sample: Waveform, rng: np.random.Generator) -> Waveform:
        factor = float(np.exp(rng.uniform(np.log(self.low), np.log(self.high))))
        length = max(round(sample.values.shape[-1] / factor), 1)
        return sample.with_values(to_length(sample.values, length))


def to_length(values: Tensor, length: int) -> Tensor:
    """Band-limited interpolation of (C, T) to (C, length), by the Fourier transform."""
    return torch.from_numpy(resample(values.numpy(), length, axis=-1).astype(np.float32))
