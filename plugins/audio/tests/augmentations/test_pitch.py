"""Pitch: semitones up or down, at the same length."""

import numpy as np
import pytest
import torch

from unlabeled_audio.augmentations.pitch import Pitch
from unlabeled_audio.waveform import Waveform


@pytest.mark.parametrize("semitones", [-5, 0, 7])
def test_a_tone_is_shifted_and_the_length_stays(semitones):
    tone = 0.5 * torch.sin(2 * torch.pi * 500 * torch.arange(16000) / 16000)[None]
    step = Pitch(low_semitones=semitones, high_semitones=semitones)
    values = step(Waveform(tone, 16000), np.random.default_rng(0)).values
    assert values.shape == tone.shape
    peak = float(torch.fft.rfft(values[0] * torch.hann_window(16000)).abs().argmax())
    assert peak == pytest.approx(500 * 2 ** (semitones / 12), rel=0.01)
