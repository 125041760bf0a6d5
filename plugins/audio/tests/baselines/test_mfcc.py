"""MFCC statistics against torchaudio's transform of the same energies."""

import numpy as np
import torch
import torchaudio

from unlabeled_audio.baselines.log_mel import log_mel_energies
from unlabeled_audio.baselines.mfcc import MFCCStatistics
from unlabeled_audio.waveform import Waveform


def test_equals_torchaudios_cosine_transform():
    wave = 0.1 * torch.randn(1, 9000, generator=torch.Generator().manual_seed(0))
    sample = Waveform(wave, 16000)
    cepstrum = torchaudio.functional.create_dct(13, 40, "ortho").T @ log_mel_energies(sample, 40)
    values = MFCCStatistics(bins=40, coefficients=13)(sample)
    np.testing.assert_allclose(values[:13], cepstrum.mean(1), atol=1e-4)
    np.testing.assert_allclose(values[13:], cepstrum.std(1, correction=0), atol=1e-4)
