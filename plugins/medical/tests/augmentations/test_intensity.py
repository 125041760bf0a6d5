import numpy as np
import torch

from unlabeled_medical.augmentations.intensity import Intensity
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


def test_intensity_keeps_the_order_and_leaves_missing_sequences():
    volume = field(channels=2)
    volume = Volume(
        volume.values * torch.tensor([1.0, 0]).view(2, 1, 1, 1),
        volume.affine,
        torch.tensor([True, False]),
    )
    changed = Intensity()(volume, np.random.default_rng(0))
    order = volume.values[0].flatten().argsort()
    assert (changed.values[0].flatten()[order].diff() >= -1e-4).all()
    assert (changed.values[1] == 0).all()
    assert not torch.equal(changed.values[0], volume.values[0])


def test_intensity_without_change_is_the_identity():
    volume = field()
    changed = Intensity(gain=0, offset=0, gamma=0)(volume, np.random.default_rng(0))
    torch.testing.assert_close(changed.values, volume.values)
