"""Baselines: fixed width, values by hand, defined for the shortest clip and for silence."""

import numpy as np
import pytest
import torch

from unlabeled_audio.baselines.log_mel import LogMelGrid, LogMelStatistics, log_mel_energies
from unlabeled_audio.waveform import Waveform


def clip(samples, rate=16000):
    return Waveform(0.1 * torch.randn(1, samples, generator=torch.Generator().manual_seed(0)), rate)


@pytest.mark.parametrize("features", [LogMelStatistics(bins=32), LogMelGrid(bins=32, segments=4)])
@pytest.mark.parametrize("sample", [clip(1), clip(5000), Waveform(torch.zeros(1, 900), 8000)])
def test_every_clip_has_the_same_number_of_finite_values(features, sample):
    values = features(sample)
    assert values.shape == features(clip(20_000)).shape
    assert np.isfinite(values).all()


def test_statistics_are_means_and_deviations_of_bins():
    energies = log_mel_energies(clip(8000), 32).numpy()
    values = LogMelStatistics(bins=32)(clip(8000))
    np.testing.assert_allclose(values[:32], energies.mean(1), rtol=1e-5)
    np.testing.assert_allclose(values[32:], energies.std(1), rtol=1e-5)


def test_the_grid_is_ordered_by_bin_then_time():
    energies = log_mel_energies(clip(400 + 160 * 7), 32).numpy()
    values = LogMelGrid(bins=32, segments=4)(clip(400 + 160 * 7)).reshape(32, 4)
    np.testing.assert_allclose(values, energies.reshape(32, 4, 2).mean(2), rtol=1e-5)
