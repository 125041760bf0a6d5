import numpy as np
import torch
from linear_fields import field

from unlabeled_medical.augmentations.intensity import Intensity
from unlabeled_medical.volume import Volume


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
