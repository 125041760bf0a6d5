"""Transforms of MONAI move a mask as they move its image."""

import numpy as np
import pytest
import torch

from unlabeled_medical.augmentations.monai import Monai
from unlabeled_medical.augmentations.monai_transforms import MOVING, TRANSFORMS
from unlabeled_medical.volume import LabelMap, Volume

ARGUMENTS = {
    "RandAffine": {"prob": 1.0, "rotate_range": 0.5, "translate_range": 2.0},
    "Rand3DElastic": {"prob": 1.0, "sigma_range": (2, 3), "magnitude_range": (20, 40)},
    "RandGridDistortion": {"prob": 1.0, "distort_limit": 0.1},
    "RandRotate": {"prob": 1.0, "range_x": 0.5},
    "RandZoom": {"prob": 1.0, "min_zoom": 0.7, "max_zoom": 1.4, "mode": "trilinear"},
    "RandSpatialCrop": {"roi_size": 9, "random_size": False},
    "RandScaleCrop": {"roi_scale": 0.6, "random_size": False},
    "CenterSpatialCrop": {"roi_size": 9},
}


def ball():
    place = np.stack(np.meshgrid(*[np.arange(16)] * 3, indexing="ij"), -1)
    inside = torch.from_numpy(np.square(place - (6, 8, 9)).sum(-1) < 16)[None].float()
    affine, there = np.eye(4), torch.ones(1, dtype=torch.bool)
    return Volume(inside, affine, there), LabelMap(inside, affine, there)


@pytest.mark.parametrize("name", sorted(MOVING - {"Rand2DElastic"}))
def test_masks_stay_on_their_images(name):
    step = Monai(transform=name, arguments=ARGUMENTS.get(name, {"prob": 1.0}))
    assert step.moves_space
    image, mask = ball()
    for seed in range(3):
        moved, labels = (step(each, np.random.default_rng(seed)) for each in (image, mask))
        assert isinstance(labels, LabelMap)
        assert set(np.unique(labels.values)) <= {0.0, 1.0}
        np.testing.assert_allclose(labels.affine, moved.affine)
        differing = ((moved.values[0] > 0.5).numpy() != (labels.classes() == 1)).mean()
        assert differing < 0.03, differing  # along the surface


def test_what_changes_values_alone_does_not_move():
    assert set(TRANSFORMS) > MOVING
    assert not Monai(transform="RandBiasField").moves_space
