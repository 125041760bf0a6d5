"""Volumes whose values are a linear function of the place, which augmentations must keep."""

import numpy as np
import torch

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
