"""Reverberation: level, length, decay, and recorded responses."""

import numpy as np
import pytest
import soundfile
import torch

from unlabeled.errors import DataError
from unlabeled_audio.augmentations.reverberation import Reverberation
from unlabeled_audio.waveform import Waveform


def click(samples=8000):
    values = torch.zeros(1, samples)
    values[0, 0] = 1
    return Waveform(values, 16000)


def test_level_and_length_stay():
    wave = Waveform(torch.randn(1, 5000, generator=torch.Generator().manual_seed(0)), 16000)
    wet = Reverberation()(wave, np.random.default_rng(0)).values
    assert wet.shape == wave.values.shape
    ratio = wet.square().sum() / wave.values.square().sum()
    assert float(ratio) == pytest.approx(1, abs=1e-4)


def test_a_drawn_room_decays_by_60_db_in_its_time():
    step = Reverberation(shortest=0.4, longest=0.4)
    energy = sum(step(click(), np.random.default_rng(i)).values[0].square() for i in range(200))
    early, late = energy[1:200].mean(), energy[3200:3400].mean()
    # From 0.006 s to 0.206 s: half of the decay.
    assert float(10 * torch.log10(early / late)) == pytest.approx(30, abs=1)


def test_recorded_responses_are_used_from_their_loudest_sample_on(tmp_path):
    response = np.zeros(400, np.float32)
    response[100], response[150] = 0.8, 0.4
    soundfile.write(tmp_path / "room.wav", response, 16000, subtype="FLOAT")
    wet = Reverberation(responses=tmp_path)(click(), np.random.default_rng(0)).values[0]
    assert torch.nonzero(wet.abs() > 1e-4).flatten().tolist() == [0, 50]
    assert float(wet[50] / wet[0]) == pytest.approx(0.5, abs=1e-4)


def test_silence_stays_silent_and_an_empty_folder_is_named(tmp_path):
    silence = Waveform(torch.zeros(1, 100), 16000)
    assert not Reverberation()(silence, np.random.default_rng(0)).values.any()
    with pytest.raises(DataError, match="no sound file"):
        Reverberation(responses=tmp_path)(click(), np.random.default_rng(0))
