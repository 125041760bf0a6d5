import math

import numpy as np
import pytest
from rasterio.transform import Affine
from rasterio.windows import Window

from unlabeled.errors import UnreadableItem
from unlabeled_remote_sensing.readers.windows import (
    find_bands,
    grid_of,
    metres_per_pixel,
    read_window,
)
from unlabeled_remote_sensing.sensors import Sensor

WHOLE = Window(0, 0, 8, 6)
RNG = np.random.default_rng(0)


def sensor(*bands, **settings):
    return Sensor(bands=bands or ("a",), **settings)


def read(path, declared, window=WHOLE, grid=None, only=None):
    grid = grid or grid_of(str(path))
    return read_window(find_bands(str(path), declared, only), declared, grid, window)


def test_bands_are_found_by_name_not_by_place(write_tiff, tmp_path):
    values = RNG.normal(size=(3, 6, 8)).astype("float32")
    path = write_tiff(tmp_path / "x.tif", values, names=("B3", "B8A", "B2"))
    got, valid = read(path, sensor("B02", "B03"))
    np.testing.assert_array_equal(got, values[[2, 0]])
    assert valid.all()


def test_missing_names_and_wrong_counts_are_refused(write_tiff, tmp_path):
    named = write_tiff(tmp_path / "n.tif", np.zeros((2, 6, 8), "uint8"), names=("VV", "VH"))
    with pytest.raises(UnreadableItem, match=r"bands HH.*found the bands VV, VH"):
        find_bands(str(named), sensor("HH"), None)
    plain = write_tiff(tmp_path / "p.tif", np.zeros((2, 6, 8), "uint8"))
    with pytest.raises(UnreadableItem, match="2 bands without names"):
        find_bands(str(plain), sensor("a", "b", "c"), None)


def test_alpha_is_a_mask_and_no_band(write_tiff, tmp_path):
    values = RNG.integers(1, 255, (4, 6, 8)).astype("uint8")
    values[3] = 255
    values[3, 2, 3] = 0
    path = write_tiff(tmp_path / "x.tif", values, photometric="RGB", alpha="yes")
    got, valid = read(path, sensor("r", "g", "b"))
    assert got.shape == (3, 6, 8)
    assert not valid[2, 3]
    assert valid.sum() == 47


@pytest.mark.parametrize("nodata", [None, 0, float("nan")])
def test_what_is_not_finite_or_nodata_is_invalid_and_zero(write_tiff, tmp_path, nodata):
    values = RNG.uniform(1, 2, (2, 6, 8)).astype("float32")
    values[0, 1, 1], values[1, 2, 2], values[0, 3, 3] = np.nan, np.inf, 0
    path = write_tiff(tmp_path / "x.tif", values, nodata=nodata)
    got, valid = read(path, sensor("a", "b"))
    expected = np.ones((6, 8), bool)
    expected[1, 1] = expected[2, 2] = False
    expected[3, 3] = nodata != 0
    np.testing.assert_array_equal(valid, expected)
    assert (got[:, ~valid] == 0).all()
    np.testing.assert_array_equal(got[:, valid], values[:, valid])


def test_declared_nodata_overrules_the_file(write_tiff, tmp_path):
    values = np.full((1, 6, 8), 7, "int16")
    values[0, 0, 0] = -1
    path = write_tiff(tmp_path / "x.tif", values, nodata=7)
    _, valid = read(path, sensor(nodata=-1))
    assert valid.sum() == 47
    assert not valid[0, 0]


def test_scale_and_offset_come_from_the_file_or_the_declaration(write_tiff, tmp_path):
    path = write_tiff(tmp_path / "x.tif", np.full((1, 6, 8), 1000, "int16"))
    import rasterio

    with rasterio.open(path, "r+") as target:
        target.scales, target.offsets = (0.001,), (0.5,)
    assert read(path, sensor())[0][0, 0, 0] == pytest.approx(1.5)
    declared = sensor(scale=0.1, offset=-1)
    assert read(path, declared)[0][0, 0, 0] == pytest.approx(99)


def test_only_the_window_is_read(write_tiff, tmp_path):
    values = np.arange(48, dtype="float32").reshape(1, 6, 8)
    path = write_tiff(tmp_path / "x.tif", values)
    got, _ = read(path, sensor(), Window(2, 1, 3, 4))
    np.testing.assert_array_equal(got, values[:, 1:5, 2:5])


def test_another_resolution_is_laid_on_the_grid(write_tiff, tmp_path):
    ramp = np.broadcast_to(np.arange(8.0), (1, 6, 8)).astype("float32")
    fine = write_tiff(tmp_path / "f.tif", ramp)
    half = (ramp[:, ::2, ::2] + ramp[:, ::2, 1::2]) / 2
    twice = Affine(20.0, 0.0, 600_000.0, 0.0, -20.0, 5_000_000.0)
    coarse = write_tiff(tmp_path / "c.tif", half, transform=twice)
    got, valid = read(coarse, sensor(), grid=grid_of(str(fine)))
    assert valid.all()
    np.testing.assert_allclose(got[0, 2, 1:-1], ramp[0, 2, 1:-1], atol=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "uint16"])
def test_beside_the_other_file_there_is_no_data(write_tiff, tmp_path, dtype):
    first = write_tiff(tmp_path / "f.tif", np.ones((1, 6, 8), dtype))
    moved = Affine(10.0, 0.0, 600_040.0, 0.0, -10.0, 5_000_000.0)
    second = write_tiff(tmp_path / "s.tif", np.full((1, 6, 8), 5, dtype), transform=moved)
    got, valid = read(second, sensor(), grid=grid_of(str(first)))
    assert not valid[:, :4].any()
    assert valid[:, 4:].all()
    assert (got[:, :, 4:] == 5).all()


def test_without_a_crs_grids_must_be_equal(write_tiff, tmp_path):
    first = write_tiff(tmp_path / "f.tif", np.ones((1, 6, 8), "uint8"), crs=None)
    same = write_tiff(tmp_path / "g.tif", np.ones((1, 6, 8), "uint8"), crs=None)
    other = write_tiff(tmp_path / "h.tif", np.ones((1, 3, 4), "uint8"), crs=None)
    assert read(same, sensor(), grid=grid_of(str(first)))[1].all()
    with pytest.raises(UnreadableItem, match=r"h.tif.*a CRS"):
        read(other, sensor(), grid=grid_of(str(first)))


def test_complex_values_stay_complex(write_tiff, tmp_path):
    values = (RNG.normal(size=(1, 6, 8)) + 1j * RNG.normal(size=(1, 6, 8))).astype("complex64")
    got, _ = read(write_tiff(tmp_path / "x.tif", values), sensor())
    np.testing.assert_array_equal(got, values)


def test_metres_per_pixel(write_tiff, tmp_path):
    zeros = np.zeros((1, 6, 8), "uint8")
    metric = write_tiff(tmp_path / "m.tif", zeros)
    assert metres_per_pixel(grid_of(str(metric))) == pytest.approx(10)
    turned = Affine.translation(6e5, 5e6) @ Affine.rotation(30) @ Affine.scale(10, -20)
    path = write_tiff(tmp_path / "r.tif", zeros, transform=turned)
    assert metres_per_pixel(grid_of(str(path))) == pytest.approx(math.sqrt(200))
    degrees = Affine(1e-4, 0, 10.0, 0, -1e-4, 60.0)
    path = write_tiff(tmp_path / "d.tif", zeros, transform=degrees, crs="EPSG:4326")
    assert metres_per_pixel(grid_of(str(path))) == pytest.approx(11.132 * math.sqrt(0.5), rel=1e-3)
    path = write_tiff(tmp_path / "n.tif", zeros, crs=None)
    assert metres_per_pixel(grid_of(str(path))) is None
