"""Relative loudness, beside the definition of decibels."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from unlabeled_audio.augmentations.level import gain_for_snr, power

POWER = st.floats(1e-6, 1e3)


@given(POWER, POWER, st.floats(-40, 40))
def test_the_scaled_sound_lies_as_far_below_as_asked(signal, other, snr):
    gain = gain_for_snr(torch.tensor(signal).double(), torch.tensor(other).double(), snr).item()
    assert 10 * math.log10(signal / (gain**2 * other)) == pytest.approx(snr, abs=1e-4)


def test_silence_gets_no_gain_instead_of_an_infinite_one():
    signal, other = torch.tensor([1.0, 0.0, 0.0, 1.0]), torch.tensor([0.0, 1.0, 0.0, 1.0])
    assert gain_for_snr(signal, other, 0.0).tolist() == [0.0, 0.0, 0.0, 1.0]


def test_a_ratio_beyond_float32_gets_no_gain():
    assert gain_for_snr(torch.tensor(1e3), torch.tensor(1e-38), 0.0).item() == 0


def test_zeros_behind_a_clip_do_not_lower_its_power():
    values = torch.tensor([[3.0, -3.0, 0.0, 0.0], [1.0, 1.0, 1.0, 1.0]])
    assert power(values, torch.tensor([[2], [4]])).tolist() == [[9.0], [1.0]]
    assert power(values[:1], 2).tolist() == [[9.0]]
