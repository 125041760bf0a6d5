import numpy as np
import pytest
import torch

from unlabeled_medical.augmentations.flip import Flip
from unlabeled_medical.volume import Volume


def volume(size=(3, 4, 5)):
    affine = np.array([[2.0, 0, 0, 10], [0, 1, 0, -20], [0, 0, 0.5, 30], [0, 0, 0, 1]])
    values = torch.arange(float(np.prod(size))).view(1, *size)
    return Volume(values, affine, torch.ones(1, dtype=torch.bool))


@pytest.mark.parametrize("axes", [(0,), (2,), (0, 1)])
def test_a_flip_reverses_chosen_axes_and_each_value_keeps_its_place(axes):
    before, seen = volume(), set()
    for seed in range(40):
        after = Flip(axes=axes)(before, np.random.default_rng(seed))
        flipped = [axis for axis in range(3) if after.affine[axis, axis] < 0]
        seen.add(tuple(flipped))
        expected = before.values.flip([axis + 1 for axis in flipped])
        assert torch.equal(after.values, expected)
        # The voxel at the far end of a flipped axis has become the first.
        first = [(size - 1) * (axis in flipped) for axis, size in enumerate(before.size)]
        np.testing.assert_allclose(
            after.world(np.zeros((1, 3), int)), before.world(np.array([first]))
        )
    assert len(seen) == 2 ** len(axes)
    assert {axis for axes in seen for axis in axes} == set(axes)
