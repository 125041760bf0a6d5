"""What each augmentation does to values and places; purity and seeding are the kit's business."""

import numpy as np
import pytest
import torch

from unlabeled_medical.augmentations.crop import Crop
from unlabeled_medical.augmentations.cutout import Cutout
from unlabeled_medical.augmentations.flip import Flip
from unlabeled_medical.augmentations.intensity import Intensity
from unlabeled_medical.augmentations.noise import Noise
from unlabeled_medical.augmentations.resized_crop import ResizedCrop
from unlabeled_medical.volume import LabelMap, Volume


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


def test_noise_has_the_drawn_spread():
    volume = field((40, 40, 40))
    spreads = [
        float((Noise(largest=0.5)(volume, np.random.default_rng(s)).values - volume.values).std())
        for s in range(30)
    ]
    assert 0.15 < np.mean(spreads) < 0.35
    assert max(spreads) < 0.51


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9])
def test_cutout_hides_an_exact_share(share):
    volume = field((11, 13, 9))
    for seed in range(5):
        step = Cutout(share=share)
        changed = step(volume, np.random.default_rng(seed))
        count = int((changed.values != volume.values).sum())
        assert count == round(share * volume.values.numel())


def test_a_resized_mask_takes_the_nearest_voxel():
    volume = field()
    labels = LabelMap((volume.values > volume.values.mean()).float(), volume.affine, volume.present)
    for seed in range(6):
        step = ResizedCrop(size=21)
        image, mask = (step(each, np.random.default_rng(seed)) for each in (volume, labels))
        assert set(np.unique(mask.values)) <= {0.0, 1.0}
        np.testing.assert_array_equal(image.affine, mask.affine)
        expected = (image.values > volume.values.mean()).float()
        assert (expected != mask.values).float().mean() < 0.06  # half a voxel along one surface
