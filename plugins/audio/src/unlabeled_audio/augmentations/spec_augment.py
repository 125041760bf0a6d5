"""SpecAugment: silence stretches of time and bands of frequency.

Source: Park et al., Interspeech 2019, arXiv:1904.08779, without time warping. Departs from it: it
acts on the waveform, so it serves every encoder; a band is one of frequencies, not of mel bins.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch
from pydantic import Field

from unlabeled.contract import Range
from unlabeled.settings import Settings
from unlabeled_audio.waveform import Waveform


class SpecAugment(Settings):
    """Widths are uniform from 0 to the widest, places uniform over the clip."""

    keeps: ClassVar[str] = "what is outside the silent stretches and bands"
    expects: ClassVar[Range] = Range(unit="full scale")
    returns: ClassVar[Range] = Range(unit="full scale")

    stretches: int = Field(1, ge=0, description="silent stretches of time")
    widest_stretch: float = Field(0.2, ge=0, le=1, description="widest, as a share of the clip")
    bands: int = Field(1, ge=0, description="silent bands")
    widest_band: float = Field(0.2, ge=0, le=1, description="widest, as a share of the spectrum")

    def __call__(self, sample: Waveform, rng: np.random.Generator) -> Waveform:
        samples = sample.values.shape[-1]
        spectrum = torch.fft.rfft(sample.values)
        for _ in range(self.bands):
            spectrum[..., _span(spectrum.shape[-1], self.widest_band, rng)] = 0
        values = torch.fft.irfft(spectrum, n=samples)
        for _ in range(self.stretches):
            values[..., _span(samples, self.widest_stretch, rng)] = 0
        return sample.with_values(values)


def _span(length: int, widest: float, rng: np.random.Generator) -> slice:
    width = int(rng.uniform(0, widest) * length)
    start = int(rng.integers(length - width + 1))
    return slice(start, start + width)
