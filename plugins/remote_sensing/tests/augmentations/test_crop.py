import numpy as np
import pytest
from pydantic import ValidationError

from unlabeled_remote_sensing.augmentations.crop import Crop, ResizedCrop, resized
from unlabeled_remote_sensing.raster import Layer, MaskRaster, Raster


def raster(height=20, width=30):
    row, column = np.mgrid[:height, :width]
    values = np.stack([row, column]).astype("float32")
    valid = np.ones((height, width), bool)
    layers = {"S1": Layer(values, valid), "S2": Layer(values + 1, valid)}
    return Raster(layers, (10.0, 0.0, 0.0, 0.0, -10.0, 0.0), None, 10.0)


def test_a_crop_is_where_it_says_for_all_sensors():
    starts = set()
    for seed in range(30):
        part = Crop(size=8)(raster(), np.random.default_rng(seed))
        assert part.shape == (8, 8)
        values = part.layers["S1"].values
        row, column = values[:, 0, 0]
        assert part.transform == (10.0, 0.0, 10 * column, 0.0, -10.0, -10 * row)
        np.testing.assert_array_equal(part.layers["S2"].values, values + 1)
        starts.add((row, column))
    assert len(starts) > 20


def test_what_is_smaller_stays():
    assert Crop(size=25)(raster(), np.random.default_rng(0)).shape == (20, 25)


def test_a_resized_crop_has_one_size_and_says_its_scale():
    for seed in range(10):
        part = ResizedCrop(size=16, scale=(0.25, 1.0))(raster(), np.random.default_rng(seed))
        assert part.shape == (16, 16)
        assert 10 * 10 / 16 <= part.metres_per_pixel <= 10 * 20 / 16
        assert part.transform[0] == pytest.approx(part.metres_per_pixel)
        # Columns of the ramp still tell where they lie: value + 0.5 = x / 10.
        x = part.transform[0] * 8 + part.transform[2]
        middle = part.layers["S1"].values[1, 8, 7:9].mean()
        assert middle == pytest.approx(x / 10 - 0.5, abs=1e-3)


def test_pixels_without_data_do_not_bleed():
    one = raster(8, 8)
    one.layers["S1"].valid[:, :3] = False
    one.layers["S1"].values[:, :, :3] = 1e9
    small = resized(one, (4, 4)).layers["S1"]
    assert small.values.max() < 8
    assert not small.valid[:, 0].any()
    assert small.valid[:, 2:].all()


def test_scale_is_checked():
    with pytest.raises(ValidationError, match="0 < low <= high <= 1"):
        ResizedCrop(size=8, scale=(0.5, 0.2))


def test_a_resized_mask_takes_the_nearest_pixel():
    high = np.arange(20)[:, None] * np.ones((1, 30)) > 7
    layer = Layer(high[None].astype("float32"), np.ones((20, 30), bool))
    mask = MaskRaster({"mask": layer}, (10.0, 0.0, 0.0, 0.0, -10.0, 0.0))
    changed = resized(mask, (15, 45))
    assert isinstance(changed, MaskRaster)
    expected = np.floor((np.arange(15) + 0.5) * 20 / 15) > 7
    np.testing.assert_array_equal(changed.classes(), expected[:, None] * np.ones((1, 45), int))
    assert (resized(mask, (20, 30)).classes() == high).all()
