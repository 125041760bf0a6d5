import numpy as np
import torch

from unlabeled_medical.augmentations.crop import Crop
from unlabeled_medical.volume import Volume


def field(size=(12, 10, 14), channels=1):
    """A volume whose values are a linear function of the place in the world."""
    rank = len(size)
    affine = np.zeros((4, rank + 1))
    affine[:rank, :rank] = np.diag([2.0, 1.0, 0.5][:rank])
    affine[:, rank] = [10, -20, 30, 1]
    volume = Volume(torch.zeros(channels, *size), affine, torch.ones(channels, dtype=torch.bool))
    return Volume(linear(volume).expand(channels, *size).clone(), affine, volume.present)


def linear(volume):
    index = np.array(list(np.ndindex(*volume.size)))
    world = volume.world(index) @ [1.0, -2.0, 3.0]
    return torch.from_numpy(world.astype(np.float32)).view(1, *volume.size)


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
