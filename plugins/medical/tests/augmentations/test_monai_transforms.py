"""MONAI's transforms by name, and nothing else of MONAI."""

import inspect

import monai.transforms
import numpy as np
import pytest
import torch
from monai.transforms.transform import MapTransform, Transform

from unlabeled.errors import RecipeError
from unlabeled_medical.augmentations.monai import Monai
from unlabeled_medical.augmentations.monai_transforms import TRANSFORMS
from unlabeled_medical.volume import Volume


def field(*size):
    """A volume of cubes of 2 mm, in which nothing is symmetric."""
    rank = len(size)
    affine = np.zeros((4, rank + 1))
    affine[:rank, :rank] = 2 * np.eye(rank)
    affine[3, rank] = 1
    values = torch.arange(float(np.prod(size))).view(1, *size) / 100
    return Volume(values, affine, torch.ones(1, dtype=torch.bool))


def test_draws_come_from_our_generator():
    volume = field(12, 10, 14)
    for seed in range(3):
        bent = [Monai()(volume, np.random.default_rng(seed)).values for _ in range(2)]
        assert torch.equal(*bent)
        assert not torch.equal(bent[0], volume.values)


@pytest.mark.parametrize("size", [(12, 10, 14), (12, 10)])
def test_the_place_is_carried_along(size):
    volume = field(*size)
    step = Monai(transform="RandFlip", arguments={"prob": 1.0, "spatial_axis": 1})
    flipped = step(volume, np.random.default_rng(0))
    torch.testing.assert_close(flipped.values, volume.values.flip(2))
    assert flipped.world(np.zeros((1, len(size))))[0, 1] == 2 * (size[1] - 1)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("RandBiasFields", {}),
        ("RandFlipd", {"keys": "image"}),
        ("RandFlip", {"probability": 1}),
        ("LoadImage", {"reader": "os.system", "command": "touch x"}),
        ("LoadImage", {"reader": "numpy.load"}),
        ("SaveImage", {"output_dir": "../elsewhere"}),
        ("Lambda", {"func": "os.getcwd"}),
        ("RandLambda", {"func": "os.getcwd"}),
        ("Compose", {"transforms": ["os.getcwd"]}),
        ("RandFlip", {"prob": "os.getcwd"}),
        ("RandAffine", {"mode": "os.getcwd"}),
        ("RandAffine", {"device": "cuda"}),
        ("RandBiasField", {"dtype": "os.getcwd"}),
        ("RandFlip", {"spatial_axis": {"_target_": "os.getcwd"}}),
        ("os.system", {}),
        ("__class__", {}),
    ],
)
def test_what_is_not_in_the_table_is_refused_before_anything_is_built(name, arguments):
    with pytest.raises(RecipeError, match="medical/monai"):
        Monai(transform=name, arguments=arguments)


def test_values_from_the_command_line_are_numbers():
    found = Monai(transform="RandFlip", arguments={"prob": "0.5", "spatial_axis": ["0", 1]})
    assert found.arguments == {"prob": 0.5, "spatial_axis": (0, 1)}
    assert Monai(**found.model_dump(mode="json")) == found


@pytest.mark.parametrize("name", TRANSFORMS)
def test_the_table_is_of_transforms_of_one_image_and_of_their_arguments(name):
    found = getattr(monai.transforms, name)
    assert issubclass(found, Transform)
    assert not issubclass(found, MapTransform)
    assert set(TRANSFORMS[name]) <= set(inspect.signature(found).parameters)


NEEDED = {
    "Rand2DElastic": {"spacing": 4, "magnitude_range": [1, 2]},
    "Rand3DElastic": {"sigma_range": [1, 2], "magnitude_range": [1, 2]},
    "RandScaleCrop": {"roi_scale": 0.5},
    "RandSpatialCrop": {"roi_size": 6},
    "RandCoarseDropout": {"holes": 2, "spatial_size": 3},
    "RandCoarseShuffle": {"holes": 2, "spatial_size": 3},
    "RandScaleIntensity": {"factors": 0.5},
    "RandScaleIntensityFixedMean": {"factors": 0.5},
    "RandShiftIntensity": {"offsets": [0.1, 0.2]},
    "RandStdShiftIntensity": {"factors": 0.5},
    "RandSmoothFieldAdjustContrast": {"spatial_size": [12, 10, 14], "rand_size": [3, 3, 3]},
    "RandSmoothFieldAdjustIntensity": {"spatial_size": [12, 10, 14], "rand_size": [3, 3, 3]},
    "AdjustContrast": {"gamma": 2},
    "CenterSpatialCrop": {"roi_size": [6, 5, 4]},
    "ScaleIntensityRange": {"a_min": 0, "a_max": 1, "b_min": 0, "b_max": 1, "clip": True},
    "ScaleIntensityRangePercentiles": {"lower": 1, "upper": 99, "b_min": 0, "b_max": 1},
}


@pytest.mark.parametrize("name", TRANSFORMS)
def test_every_transform_of_the_table_gives_a_volume(name):
    volume = field(12, 10) if "2D" in name else field(12, 10, 14)
    chance = {"prob": 1.0} if "prob" in TRANSFORMS[name] else {}
    step = Monai(transform=name, arguments={**chance, **NEEDED.get(name, {})})
    changed = step(volume, np.random.default_rng(0))
    assert changed.values.ndim == volume.values.ndim
    assert changed.values.isfinite().all()
