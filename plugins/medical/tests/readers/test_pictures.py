import io

import numpy as np
import pytest
import torch

from unlabeled_medical.readers.pictures import previews_of
from unlabeled_medical.volume import Volume


def volume(*shape, spacing=(1.0, 1.0, 3.0)):
    values = torch.arange(float(np.prod(shape))).reshape(1, *shape)
    affine = np.eye(4)[:, [*range(len(shape)), 3]]
    affine[: len(shape), : len(shape)] *= spacing[: len(shape)]
    return Volume(values, affine, torch.tensor([True]))


def test_three_planes_with_square_pixels_in_mm():
    shown = previews_of(volume(4, 6, 8))
    assert [each.caption.split(",")[0] for each in shown] == ["sagittal", "coronal", "axial"]
    assert shown[0].caption.startswith("sagittal, 3 of 4, 6 × 24 mm")
    image = pytest.importorskip("PIL.Image")
    sizes = [image.open(io.BytesIO(each.content)).size for each in shown]
    assert sizes == [(6, 24), (4, 24), (4, 6)]


def test_the_second_axis_goes_upwards():
    image = pytest.importorskip("PIL.Image")
    [shown] = previews_of(volume(5, 7, spacing=(1.0, 1.0)))
    pixels = np.asarray(image.open(io.BytesIO(shown.content)))
    assert pixels.shape == (7, 5)
    assert pixels[0, 0] > pixels[-1, 0]
    assert pixels[0, -1] > pixels[0, 0]


def test_a_turned_volume_names_the_planes_of_the_body():
    turned = volume(4, 6, 8)
    axes = turned.affine[:, [2, 0, 1, 3]]
    shown = previews_of(Volume(turned.values, axes, turned.present))
    assert [each.caption.split(",")[0] for each in shown] == ["axial", "sagittal", "coronal"]
