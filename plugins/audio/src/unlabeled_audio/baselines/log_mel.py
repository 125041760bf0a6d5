"""Baselines from log-mel energies, which encoders must beat."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field

from unlabeled.settings import Settings
from unlabeled_audio.encoders.log_mel import LogMel, LogMelSettings
from unlabeled_audio.waveform import Waveform


class LogMelStatistics(Settings):
    """Mean, then standard deviation, of each mel bin over the clip's frames: (2 · bins,)."""

    bins: int = Field(64, ge=2, description="mel bins")

    def __call__(self, sample: Waveform) -> np.ndarray:
        energies = log_mel_energies(sample, self.bins)
        return statistics(energies)


class LogMelGrid(Settings):
    """Mean of each mel bin in each of `segments` equal parts of the clip: (bins · segments,)."""

    bins: int = Field(40, ge=2, description="mel bins")
    segments: int = Field(8, ge=1, description="parts of the clip")

    def __call__(self, sample: Waveform) -> np.ndarray:
        energies = log_mel_energies(sample, self.bins)
        grid: np.ndarray = F.adaptive_avg_pool1d(energies, self.segments).flatten().numpy()
        return grid


def log_mel_energies(sample: Waveform, bins: int) -> torch.Tensor:
    """Natural logarithms of the energy in kaldi's mel bins, of the first channel: (bins, S)."""
    energies = _front_end(bins, sample.sample_rate).energies(sample.values[:1])
    return energies[0]


def statistics(values: torch.Tensor) -> np.ndarray:
    """Means, then (biased) standard deviations along the last axis: (B, S) -> (2 B,)."""
    moments: np.ndarray = torch.cat([values.mean(1), values.std(1, correction=0)]).numpy()
    return moments


@lru_cache(maxsize=4)
def _front_end(bins: int, sample_rate: int) -> LogMel:
    return LogMel(LogMelSettings(bins=bins, normalise="none"), sample_rate)
