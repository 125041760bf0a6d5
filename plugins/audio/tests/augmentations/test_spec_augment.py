"""SpecAugment: what falls silent, and that the rest stays."""

import numpy as np
import torch

from unlabeled_audio.augmentations.spec_augment import SpecAugment
from unlabeled_audio.waveform import Waveform

NOISE = Waveform(torch.randn(1, 8000, generator=torch.Generator().manual_seed(0)), 16000)


def test_a_stretch_falls_silent_and_the_rest_stays():
    step = SpecAugment(stretches=1, widest_stretch=0.5, bands=0)
    widths = []
    for seed in range(40):
        values = step(NOISE, np.random.default_rng(seed)).values
        silent = values[0] == 0
        widths.append(int(silent.sum()))
        torch.testing.assert_close(values[0, ~silent], NOISE.values[0, ~silent])
    assert max(widths) <= 4000
    assert np.mean(widths) == np.clip(np.mean(widths), 1500, 2500)


def test_a_band_falls_silent_and_the_rest_stays():
    step = SpecAugment(stretches=0, bands=1, widest_band=0.5)
    before = torch.fft.rfft(NOISE.values)[0]
    for seed in range(10):
        after = torch.fft.rfft(step(NOISE, np.random.default_rng(seed)).values)[0]
        silent = after.abs() < 1e-3
        torch.testing.assert_close(after[~silent], before[~silent], atol=1e-3, rtol=1e-3)
        edges = (silent[1:] != silent[:-1]).sum()
        assert edges <= 2 + 2 * (before.abs() < 1e-3).sum()
