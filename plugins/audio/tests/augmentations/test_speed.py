"""Speed: pitch and length change by the same factor."""

import numpy as np
import pytest
import torch

from unlabeled_audio.augmentations.speed import Speed
from unlabeled_audio.waveform import Waveform


def tone(frequency, seconds=1.0, rate=16000):
    time = torch.arange(round(seconds * rate)) / rate
    return Waveform(0.5 * torch.sin(2 * torch.pi * frequency * time)[None], rate)


def pitch(sample):
    spectrum = torch.fft.rfft(sample.values[0] * torch.hann_window(sample.values.shape[1]))
    return float(spectrum.abs().argmax()) * sample.sample_rate / sample.values.shape[1]


@pytest.mark.parametrize("factor", [0.8, 1.0, 1.25])
def test_a_tone_moves_with_the_speed(factor):
    fast = Speed(low=factor, high=factor)(tone(500), np.random.default_rng(0))
    assert fast.values.shape[1] == round(16000 / factor)
    assert pitch(fast) == pytest.approx(500 * factor, rel=0.01)
    assert float(fast.values.abs().max()) == pytest.approx(0.5, abs=0.1)


def test_the_shortest_clip_survives():
    short = Waveform(torch.ones(1, 1), 16000)
    assert Speed(low=4, high=4)(short, np.random.default_rng(0)).values.shape == (1, 1)
