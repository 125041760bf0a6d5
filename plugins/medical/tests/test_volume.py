import numpy as np
import pytest
import torch

from unlabeled.errors import ShapeError
from unlabeled_medical.volume import Volume, VolumeBatch


def make(size=(4, 5, 6), channels=2):
    affine = np.diag([1.0, 2.0, 3.0, 1.0])
    affine[:3, 3] = [7, 8, 9]
    return Volume(torch.rand(channels, *size), affine, torch.ones(channels, dtype=torch.bool))


def test_a_crop_keeps_the_place_of_its_voxels():
    volume = make()
    crop = volume.crop((1, 2, 3), (2, 2, 2))
    np.testing.assert_array_equal(crop.world([1, 0, 1]), volume.world([2, 2, 4]))
    assert crop.values[1, 1, 0, 1] == volume.values[1, 2, 2, 4]


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_flip_keeps_the_place_of_its_voxels(axis):
    volume = make()
    flipped = volume.flipped(axis)
    index = np.array([1, 2, 3])
    mirrored = index.copy()
    mirrored[axis] = volume.size[axis] - 1 - index[axis]
    np.testing.assert_allclose(flipped.world(mirrored), volume.world(index))
    assert flipped.values[(0, *mirrored)] == volume.values[(0, *index)]
    np.testing.assert_allclose(flipped.spacing, volume.spacing)


def test_a_batch_pads_at_the_end_and_says_where():
    small, large = make((2, 5, 3)), make((4, 1, 6))
    batch = VolumeBatch.of([small, large], channels=2, rank=3)
    assert batch.values.shape == (2, 2, 4, 5, 6)
    assert batch.valid.sum(dim=(1, 2, 3)).tolist() == [30, 24]
    assert (batch.values[0, :, :2, :, :3] == small.values).all()
    assert (batch.values * ~batch.valid[:, None] == 0).all()
    np.testing.assert_array_equal(batch.affine[1], large.affine)


@pytest.mark.parametrize(("channels", "rank"), [(1, 3), (2, 2)])
def test_other_channels_or_ranks_are_refused(channels, rank):
    with pytest.raises(ShapeError, match="sample 0"):
        VolumeBatch.of([make()], channels, rank)
