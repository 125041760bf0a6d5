"""Another microphone: a smooth random filter."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch
from pydantic import Field

from unlabeled.contract import Range
from unlabeled.settings import Settings
from unlabeled_audio.waveform import Waveform

LOWEST = 50.0
"""Hz; below, the gain is that of the lowest band."""


class Equaliser(Settings):
    """Draws a gain for each of `bands` frequencies, equally spaced in octaves, joined by lines."""

    keeps: ClassVar[str] = "everything but the spectral colour"
    expects: ClassVar[Range] = Range(unit="full scale")
    returns: ClassVar[Range] = Range(unit="full scale")

    bands: int = Field(6, ge=2, description="frequencies with a gain of their own")
    largest_db: float = Field(
        6.0, gt=0, description="gains are uniform up to this, up or down (dB)"
    )

    def __call__(self, sample: Waveform, rng: np.random.Generator) -> Waveform:
        gains = rng.uniform(-self.largest_db, self.largest_db, self.bands)
        samples = sample.values.shape[-1]
        frequency = np.fft.rfftfreq(samples, 1 / sample.sample_rate)
        centres = np.geomspace(LOWEST, sample.sample_rate / 2, self.bands)
        places = np.log(np.maximum(frequency, LOWEST))
        response = torch.from_numpy(10 ** (np.interp(places, np.log(centres), gains) / 20))
        spectrum = torch.fft.rfft(sample.values) * response.to(torch.float32)
        return sample.with_values(torch.fft.irfft(spectrum, n=samples))
