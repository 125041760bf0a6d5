"""Faster or slower at the same pitch.

Source: the phase vocoder of Flanagan and Golden 1966, in torchaudio's form.
"""

from __future__ import annotations

import math
from typing import ClassVar, Self

import numpy as np
import torch
from pydantic import Field, model_validator
from torch import Tensor
from torchaudio.functional import phase_vocoder

from unlabeled.contract import Range
from unlabeled.settings import Settings
from unlabeled_audio.waveform import Waveform

FFT = 512
HOP = 128


class TimeStretch(Settings):
    """Changes the tempo by a log-uniform factor; the clip's length changes with it."""

    keeps: ClassVar[str] = "pitch and timbre"
    expects: ClassVar[Range] = Range(unit="full scale")
    returns: ClassVar[Range] = Range(unit="full scale")

    low: float = Field(0.8, gt=0, description="slowest tempo, as a factor")
    high: float = Field(1.25, gt=0, description="fastest tempo, as a factor")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low > self.high:
            raise ValueError(f"low ({self.low}) is above high ({self.high})")
        return self

    def __call__(self, sample: Waveform, rng: np.random.Generator) -> Waveform:
        factor = float(np.exp(rng.uniform(np.log(self.low), np.log(self.high))))
        return sample.with_values(stretch(sample.values, factor))


def stretch(values: Tensor, tempo: float) -> Tensor:
    """(C, T) -> (C, round(T / tempo)), at least one sample, at the same pitch."""
    window = torch.hann_window(FFT)
    length = max(round(values.shape[-1] / tempo), 1)
    spectrum = torch.stft(values, FFT, HOP, window=window, return_complex=True, pad_mode="constant")
    advance = torch.linspace(0, math.pi * HOP, FFT // 2 + 1).unsqueeze(1)
    stretched = phase_vocoder(spectrum, tempo, advance)
    return torch.istft(stretched, FFT, HOP, window=window, length=length)
