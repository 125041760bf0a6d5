import numpy as np
import torch

from unlabeled_remote_sensing.baselines.random_convolutions import RandomConvolutions
from unlabeled_remote_sensing.raster import Layer, Raster


def raster(values, valid=True):
    values = np.asarray(values, np.float32)
    there = np.full(values.shape[1:], valid)
    return Raster({"x": Layer(values, there)}, (1.0, 0.0, 0.0, 0.0, 1.0, 0.0))


def test_it_is_the_mean_of_rectified_convolutions():
    values = np.random.default_rng(0).normal(size=(2, 9, 7)).astype(np.float32)
    found = RandomConvolutions(features=6)(raster(values))
    weight = torch.randn(3, 2, 3, 3, generator=torch.Generator().manual_seed(0)).numpy()
    windows = np.lib.stride_tricks.sliding_window_view(values, (3, 3), axis=(1, 2))
    answers = np.einsum("fcij,chwij->fhw", weight, windows) - 1
    halves = [np.maximum(sign * answers, 0).mean(axis=(1, 2)) for sign in (1, -1)]
    np.testing.assert_allclose(found, np.concatenate(halves), rtol=1e-5)


def test_the_seed_chooses_the_filters():
    values = np.random.default_rng(0).normal(size=(2, 9, 7))
    one, same, other = (RandomConvolutions(seed=s)(raster(values)) for s in (0, 0, 1))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()
    assert one.shape == (128,)


def test_nothing_is_told_of_nothing():
    assert np.isnan(RandomConvolutions()(raster(np.zeros((1, 4, 4)), valid=False))).all()
    assert np.isnan(RandomConvolutions(kernel=5)(raster(np.zeros((1, 4, 4))))).all()
