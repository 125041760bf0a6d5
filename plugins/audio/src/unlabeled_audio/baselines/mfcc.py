"""Mel-frequency cepstral coefficients, with mean and spread over a clip.

Source: Davis and Mermelstein 1980; the transform is the orthonormal DCT-II of kaldi's log-mel
energies, without liftering.
"""

from __future__ import annotations

import numpy as np
from pydantic import Field

from unlabeled.settings import Settings
from unlabeled_audio.baselines.log_mel import log_mel_energies, statistics
from unlabeled_audio.encoders.log_mel import dct
from unlabeled_audio.waveform import Waveform


class MFCCStatistics(Settings):
    """Mean, then standard deviation, of each coefficient over the clip: (2 · coefficients,)."""

    bins: int = Field(40, ge=2, description="mel bins")
    coefficients: int = Field(20, ge=1, description="how many of the first coefficients")

    def __call__(self, sample: Waveform) -> np.ndarray:
        return statistics(dct(self.coefficients, self.bins) @ log_mel_energies(sample, self.bins))
