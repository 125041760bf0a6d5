"""Noise of a random colour at a random distance below the sound."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
import torch
from pydantic import Field, model_validator

from unlabeled.contract import Range
from unlabeled.settings import Settings
from unlabeled_audio.augmentations.level import gain_for_snr, power
from unlabeled_audio.waveform import Waveform


class Noise(Settings):
    """Adds Gaussian noise whose power falls as 1 / f^colour: 0 is white, 1 pink, 2 brown.

    A silent clip stays silent: no level is `snr` below it.
    """

    keeps: ClassVar[str] = "what kind of sound it is, where it is louder than the noise"
    expects: ClassVar[Range] = Range(unit="full scale")
    returns: ClassVar[Range] = Range(unit="full scale")

    low_snr_db: float = Field(5.0, description="smallest ratio of sound to noise (dB)")
    high_snr_db: float = Field(30.0, description="largest ratio of sound to noise (dB)")
    low_colour: float = Field(0.0, ge=0, description="smallest exponent of 1 / f^colour")
    high_colour: float = Field(2.0, ge=0, description="largest exponent of 1 / f^colour")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low_snr_db > self.high_snr_db or self.low_colour > self.high_colour:
            raise ValueError("a low end is above its high end")
        return self

    def __call__(self, sample: Waveform, rng: np.random.Generator) -> Waveform:
        snr = rng.uniform(self.low_snr_db, self.high_snr_db)
        colour = rng.uniform(self.low_colour, self.high_colour)
        noise = coloured_noise(tuple(sample.values.shape), colour, rng)
        samples = sample.values.shape[-1]
        factor = gain_for_snr(power(sample.values, samples), power(noise, samples), snr)
        return sample.with_values(sample.values + factor * noise)


def coloured_noise(shape: tuple[int, ...], colour: float, rng: np.random.Generator) -> torch.Tensor:
    """Gaussian noise of `shape`, coloured along its last axis, float32; its level is arbitrary."""
    spectrum = np.fft.rfft(rng.standard_normal(shape))
    frequency = np.maximum(np.arange(spectrum.shape[-1]), 1.0)
    noise = np.fft.irfft(spectrum * frequency ** (-colour / 2), n=shape[-1])
    return torch.from_numpy(noise.astype(np.float32))
