import numpy as np
import pytest
import torch
from monai.metrics.hausdorff_distance import compute_hausdorff_distance

from unlabeled_medical.assessments.overlap import dice, hausdorff95


def ball(seed, size=(12, 13, 11)):
    rng = np.random.default_rng(seed)
    place = np.stack(np.meshgrid(*map(np.arange, size), indexing="ij"), -1)
    return np.square(place - np.array(size) / 2 - rng.uniform(-1.5, 1.5, 3)).sum(-1) < 9


def test_dice_of_known_masks():
    a, b = np.array([1, 1, 0, 0], bool), np.array([0, 1, 1, 1], bool)
    assert dice(a, b) == 2 / 5
    assert dice(a, a) == 1
    assert dice(a & False, b & False) == 1


@pytest.mark.parametrize("seed", range(4))
def test_surface_distances_equal_monais(seed):
    rng = np.random.default_rng(seed)
    a, b = (ball(s) for s in rng.integers(0, 99, 2))
    theirs = compute_hausdorff_distance(
        torch.from_numpy(a)[None, None], torch.from_numpy(b)[None, None],
        include_background=True, percentile=95, spacing=[1.0, 2.0, 1.0],
    )  # fmt: skip
    assert hausdorff95(a, b, np.array([1.0, 2.0, 1.0])) == pytest.approx(float(theirs))


def test_distances_to_nothing_are_undefined():
    mask = np.ones((3, 3), bool)
    assert np.isnan(hausdorff95(mask, ~mask, np.ones(2)))
    assert hausdorff95(~mask, ~mask, np.ones(2)) == 0
