import nibabel
import numpy as np
import pytest

from unlabeled_medical.readers.geometry import Grid
from unlabeled_medical.readers.header import Stored
from unlabeled_medical.readers.scale import measure_scale, normalise
from unlabeled_medical.readers.volumes import Volumes
from unlabeled_medical.readers.voxels import read_window


def stored(values):
    return Stored(np.asarray(values, np.float32)[..., None])


@pytest.mark.parametrize("background", [0.0, -1024.0, 37.5])
@pytest.mark.parametrize("side", [1, 2, 6, 8, 20])
def test_few_bright_voxels_stay_bright(tmp_path, background, side, write_nifti):
    """They had been clipped away with the upper half per cent: all zeros."""
    values = np.full((64, 64, 64), background, np.float32)
    values[21 : 21 + side, 20 : 20 + side, 20 : 20 + side] = background + 500
    write_nifti(tmp_path / "a.nii.gz", values)
    (item,) = Volumes().index(tmp_path)
    read = Volumes().read(item).values[0].numpy()
    np.testing.assert_allclose(np.unique(read), [-1, 1], atol=1e-5)
    np.testing.assert_array_equal(read > 0, values > background)


def test_percentiles_of_a_sparse_volume_are_those_of_what_is_there():
    """By the formula, in float64; a single outlier among what is there is clipped."""
    rng = np.random.default_rng(0)
    values = np.zeros((40, 40, 40))
    values[:12, :12, :12] = rng.normal(100, 10, (12, 12, 12))
    values[3, 3, 3] = 1e6
    there = values[values != 0]
    low, high = np.percentile(there.astype(np.float32), (0.5, 99.5))
    clipped = there.clip(low, high)
    both = np.concatenate([clipped, np.zeros(len(clipped))])  # the background weighs the same
    scale = measure_scale(stored(values), 0)
    assert (scale.low, scale.high) == pytest.approx((0, high), rel=1e-6)
    assert (scale.mean, scale.spread) == pytest.approx((both.mean(), both.std()), rel=1e-6)


def test_an_empty_volume_is_zeros_and_a_dense_one_as_before():
    empty = measure_scale(stored(np.full((9, 9, 9), 5.0)), 0)
    assert (empty.low, empty.high, empty.spread) == (5, 5, 0)
    values = np.random.default_rng(0).normal(size=(20, 20, 20)).astype(np.float32)
    scale = measure_scale(stored(values), 0)
    low, high = np.percentile(values.astype(float), (0.5, 99.5))
    assert (scale.low, scale.high) == pytest.approx((low, high))
    assert scale.spread == pytest.approx(values.astype(float).clip(low, high).std())


def test_finite_voxels_between_the_sampled_ones_are_found():
    values = np.full((80, 80, 80), np.nan)
    values[1, 1, 1] = 3
    assert measure_scale(stored(values), 0).high == 3
    assert measure_scale(stored(np.full((4, 4, 4), np.nan)), 0) is None


@pytest.mark.parametrize("spacing", [None, (1.5, 1.5, 1.5)])
def test_padding_outside_of_the_field_of_view_is_air_in_hounsfield_units(tmp_path, spacing):
    """Whatever number the scanner pads with, also where voxels are interpolated across its edge."""
    rng = np.random.default_rng(0)
    body = rng.normal(40, 20, (20, 20, 20)).astype(np.float32)
    outside = np.hypot(*np.mgrid[-9.5:10, -9.5:10]) > 9
    found = []
    for padding in (-1000, -1024, -2000, -3024):
        values = body.copy()
        values[outside] = padding
        folder = tmp_path / str(-padding)
        folder.mkdir()
        nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), folder / "a.nii")
        reader = Volumes(intensity="hounsfield", spacing=spacing)
        found.append(reader.read(reader.index(folder)[0]).values)
    for other in found[1:]:
        np.testing.assert_allclose(other, found[0], atol=1e-6)
    assert found[0].min() == -1
    assert found[0].max() > 0


def test_padding_is_raised_before_interpolation():
    values = stored(np.array([-3024.0, 1000.0]).reshape(2, 1, 1))
    grid = Grid.of((2, 1, 1), np.eye(4)).spaced((0.5, None, None))
    window = tuple(slice(0, length) for length in grid.shape)
    read = read_window(values, grid, window, slice(0, 1), floor=-1000.0)
    normalise(read, None, "hounsfield")
    np.testing.assert_allclose(read.ravel(), [-1, 0, 1], atol=1e-6)
