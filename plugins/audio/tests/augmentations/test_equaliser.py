"""Equaliser: the response stays within its bounds and is smooth."""

import numpy as np
import torch

from unlabeled_audio.augmentations.equaliser import Equaliser
from unlabeled_audio.waveform import Waveform


def test_the_response_is_the_drawn_gains():
    impulse = torch.zeros(1, 4096)
    impulse[0, 0] = 1
    rng = np.random.default_rng(3)
    values = Equaliser(bands=4, largest_db=9)(Waveform(impulse, 16000), rng).values
    decibels = 20 * torch.log10(torch.fft.rfft(values[0]).abs()).numpy()
    gains = np.random.default_rng(3).uniform(-9, 9, 4)
    frequency = np.fft.rfftfreq(4096, 1 / 16000)
    for centre, gain in zip(np.geomspace(50, 8000, 4), gains, strict=True):
        nearest = np.abs(frequency - centre).argmin()
        assert abs(decibels[nearest] - gain) < 0.5
    assert np.abs(decibels).max() <= 9.01
