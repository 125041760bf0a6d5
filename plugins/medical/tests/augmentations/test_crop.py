import numpy as np
import torch
from linear_fields import field

from unlabeled_medical.augmentations.crop import Crop


def test_two_crops_know_their_overlap():
    volume = field()
    one, two = (Crop(size=8)(volume, np.random.default_rng(s)) for s in (1, 2))
    index = np.array(list(np.ndindex(*one.size)))
    there = np.linalg.solve(two.affine, np.c_[one.world(index), np.ones(len(index))].T)[:3].T
    inside = ((there > -0.5) & (there < np.array(two.size) - 0.5)).all(axis=1)
    assert inside.sum() > 0
    theirs = two.values[0][tuple(there[inside].round().astype(int).T)]
    torch.testing.assert_close(one.values[0][tuple(index[inside].T)], theirs)


def test_a_crop_of_a_small_volume_takes_it_whole():
    assert Crop(size=64)(field(), np.random.default_rng(0)).size == (12, 10, 14)
