"""Another room: convolution with an impulse response, recorded or drawn.

Drawn responses are Gaussian noise that decays exponentially (Polack 1988).
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import torch
from pydantic import Field, model_validator
from scipy.signal import fftconvolve

from unlabeled.contract import Range
from unlabeled.settings import Settings
from unlabeled_audio.readers.clips import Clips
from unlabeled_audio.waveform import Waveform


class Reverberation(Settings):
    """Puts a clip into a room; its length and its level stay, its start is the direct sound's."""

    keeps: ClassVar[str] = "what kind of sound it is"
    expects: ClassVar[Range] = Range(unit="full scale")
    returns: ClassVar[Range] = Range(unit="full scale")

    responses: Path | None = Field(
        None, description="a folder of recorded impulse responses; drawn ones if unset"
    )
    shortest: float = Field(0.1, gt=0, description="of drawn ones: shortest decay by 60 dB (s)")
    longest: float = Field(0.6, gt=0, description="of drawn ones: longest decay by 60 dB (s)")
    direct_db: float = Field(6.0, description="of drawn ones: direct over reverberant sound (dB)")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.shortest > self.longest:
            raise ValueError(f"shortest ({self.shortest}) is above longest ({self.longest})")
        return self

    def __call__(self, sample: Waveform, rng: np.random.Generator) -> Waveform:
        """Raises DataError or UnreadableItem if the responses cannot be read."""
        dry = sample.values.numpy()
        wet = fftconvolve(dry, self._response(sample.sample_rate, rng)[None], axes=-1)
        wet = wet[..., : dry.shape[-1]]
        level = np.sqrt((dry**2).sum() / max((wet**2).sum(), np.finfo(np.float32).tiny))
        return sample.with_values(torch.from_numpy((wet * level).astype(np.float32)))

    def _response(self, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
        """(K,), the direct sound first."""
        if self.responses:
            recorded = recorded_responses(self.responses, sample_rate)
            return recorded[rng.integers(len(recorded))]
        seconds = rng.uniform(self.shortest, self.longest)
        time = np.arange(int(seconds * sample_rate) + 1) / sample_rate
        tail = rng.standard_normal(len(time)) * 10 ** (-3 * time / seconds)
        tail *= 10 ** (-self.direct_db / 20) / np.sqrt((tail**2).sum())
        tail[0] = 1.0
        return tail


@lru_cache(maxsize=4)
def recorded_responses(folder: Path, sample_rate: int) -> tuple[np.ndarray, ...]:
    """The impulse responses of a folder, (T,) each from its loudest sample on. Raises DataError."""
    reader = Clips(sample_rate=sample_rate, channels="first")
    waves = [reader.read(item).values[0].numpy() for item in reader.index(folder)]
    return tuple(wave[np.abs(wave).argmax() :] for wave in waves)
