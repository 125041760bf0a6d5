"""Gain: the level changes by a uniform number of decibels."""

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from unlabeled_audio.augmentations.gain import Gain
from unlabeled_audio.waveform import Waveform


def test_changes_the_level_within_its_range():
    sample = Waveform(torch.full((1, 5), 0.5), 16000)
    step = Gain(low_db=-3, high_db=9)
    values = [float(step(sample, np.random.default_rng(i)).values[0, 0]) for i in range(300)]
    decibels = 20 * np.log10(np.array(values) / 0.5)
    assert -3 <= min(decibels) < -2.5
    assert 8.5 < max(decibels) <= 9
    assert abs(np.mean(decibels) - 3) < 0.7


def test_an_empty_range_is_refused():
    with pytest.raises(ValidationError, match="above"):
        Gain(low_db=3, high_db=0)
