"""Time stretch: the length changes, the pitch does not."""

import numpy as np
import pytest
import torch

from unlabeled_audio.augmentations.time_stretch import TimeStretch, stretch
from unlabeled_audio.waveform import Waveform

TONE = 0.5 * torch.sin(2 * torch.pi * 500 * torch.arange(16000) / 16000)[None]


@pytest.mark.parametrize("tempo", [0.8, 1.0, 1.25])
def test_a_tone_keeps_its_pitch(tempo):
    slow = stretch(TONE, tempo)
    assert slow.shape == (1, round(16000 / tempo))
    spectrum = torch.fft.rfft(slow[0] * torch.hann_window(slow.shape[1])).abs()
    assert float(spectrum.argmax()) * 16000 / slow.shape[1] == pytest.approx(500, rel=0.01)


def test_the_middle_keeps_its_level():
    middle = stretch(TONE, 1.25)[0, 4000:-4000]
    assert float(middle.square().mean().sqrt()) == pytest.approx(0.5 / 2**0.5, rel=0.1)


@pytest.mark.parametrize("samples", [1, 100, 511])
def test_short_clips_have_the_length_promised(samples):
    sample = Waveform(torch.ones(1, samples), 16000)
    values = TimeStretch(low=0.5, high=0.5)(sample, np.random.default_rng(0)).values
    assert values.shape == (1, 2 * samples)
    assert torch.isfinite(values).all()
