"""Noise: its level to a hundredth of a decibel, its colour, and silence."""

import numpy as np
import pytest
import torch

from unlabeled_audio.augmentations.noise import Noise, coloured_noise
from unlabeled_audio.waveform import Waveform


@pytest.mark.parametrize("snr", [-5.0, 0.0, 20.0])
@pytest.mark.parametrize("samples", [1000, 20_001])
def test_the_ratio_is_the_one_asked_for(snr, samples):
    wave = 0.1 * torch.randn(1, samples, generator=torch.Generator().manual_seed(0))
    step = Noise(low_snr_db=snr, high_snr_db=snr)
    added = step(Waveform(wave, 16000), np.random.default_rng(1)).values - wave
    ratio = 10 * torch.log10(wave.square().sum() / added.square().sum())
    assert float(ratio) == pytest.approx(snr, abs=1e-2)


@pytest.mark.parametrize("colour", [0.0, 1.0, 2.0])
def test_the_power_falls_with_frequency_as_asked(colour):
    noise = coloured_noise((64, 4096), colour, np.random.default_rng(0))
    power = torch.fft.rfft(noise).abs().square().mean(0)
    octaves = [power[2**k : 2 ** (k + 1)].mean().log2() for k in range(3, 11)]
    assert float(octaves[0] - octaves[-1]) / 7 == pytest.approx(colour, abs=0.1)


def test_silence_stays_silent():
    silence = Waveform(torch.zeros(1, 100), 16000)
    assert not Noise()(silence, np.random.default_rng(0)).values.any()
