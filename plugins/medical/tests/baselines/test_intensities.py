import numpy as np
import torch

from unlabeled_medical.baselines.intensities import IntensityStatistics, Pixels
from unlabeled_medical.volume import Volume


def make(values, present):
    return Volume(torch.tensor(values, dtype=torch.float32), np.eye(4), torch.tensor(present))


def test_statistics_are_those_of_numpy_and_missing_ones_nan():
    values = np.random.default_rng(0).normal(size=(2, 3, 4, 5))
    found = IntensityStatistics()(make(values, [True, False]))
    channel = values[0].astype(np.float32).astype(np.float64)
    deciles = np.quantile(channel, np.linspace(0.1, 0.9, 9))
    np.testing.assert_allclose(found[:11], [channel.mean(), channel.std(), *deciles])
    assert np.isnan(found[11:]).all()


def test_pixels_are_block_means():
    values = np.arange(64.0).reshape(1, 4, 4, 4)
    found = Pixels(side=2)(make(values, [True]))
    expected = values.reshape(1, 2, 2, 2, 2, 2, 2).mean(axis=(2, 4, 6)).ravel()
    np.testing.assert_allclose(found, expected)
