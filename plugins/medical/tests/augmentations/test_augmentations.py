"""What each augmentation does to values and places; purity and seeding are the kit's business."""

import numpy as np
import pytest
import torch

from unlabeled_medical.augmentations.crop import Crop
from unlabeled_medical.augmentations.flip import Flip
from unlabeled_medical.augmentations.resized_crop import ResizedCrop
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


@pytest.mark.parametrize("size", [(12, 10, 14), (12, 10)])
@pytest.mark.parametrize("step", [Crop(size=7), Flip(axes=(0, 1)), ResizedCrop(size=9)])
def test_places_in_the_world_are_kept(step, size):
    for seed in range(6):
        changed = step(field(size), np.random.default_rng(seed))
        inner = (slice(None), *[slice(1, -1)] * len(size))
        torch.testing.assert_close(changed.values[inner], linear(changed)[inner], rtol=0, atol=1e-3)
