import math

import numpy as np
import pytest
import rasterio.warp
from rasterio.crs import CRS
from rasterio.transform import Affine

from unlabeled_remote_sensing.readers.bands import find_bands
from unlabeled_remote_sensing.readers.files import grid_of
from unlabeled_remote_sensing.readers.grids import Grid, coverage, metres_per_pixel, unwrapped
from unlabeled_remote_sensing.readers.windows import Window, read_window
from unlabeled_remote_sensing.sensors import Sensor

DEGREES, UTM1 = CRS.from_epsg(4326).to_wkt(), CRS.from_epsg(32601).to_wkt()
FIJI = (0.01, 0.0, 179.5, 0.0, -0.01, -17.0)
"""100 x 100 pixels, half of them behind the antimeridian."""


def around_fiji():
    """80 x 80 pixels of 1 km in UTM zone 1, within FIJI."""
    x, y = rasterio.warp.transform(CRS.from_wkt(DEGREES), CRS.from_wkt(UTM1), [179.6], [-17.1])
    return Grid(80, 80, (1000.0, 0.0, x[0], 0.0, -1000.0, y[0]), UTM1)


@pytest.mark.parametrize("left", [179.5, -180.5])
def test_pixels_on_both_sides_of_the_antimeridian_keep_their_place(left):
    grid = Grid(100, 100, (0.01, 0.0, left, 0.0, -0.01, -17.0), DEGREES)
    assert unwrapped(grid).transform == pytest.approx((0.01, 0.0, -0.5, 0.0, -0.01, -17.0))
    assert coverage(around_fiji(), grid) > 0.95


def test_other_grids_stay_as_they_are():
    for grid in (around_fiji(), Grid(10, 10, (1.0, 0.0, 10.0, 0.0, -1.0, 60.0), DEGREES)):
        assert unwrapped(grid) == grid


def test_a_file_across_the_antimeridian_is_laid_on_another_grid(write_tiff, tmp_path):
    """And the other way round: 84 % of the pixels had no data."""
    ramp = np.broadcast_to(np.arange(1.0, 101.0), (1, 100, 100)).astype("float32")
    path = write_tiff(tmp_path / "d.tif", ramp, transform=Affine(*FIJI), crs="EPSG:4326")
    grid, declared = around_fiji(), Sensor(bands=("a",))
    part = find_bands(str(path), declared, None)
    got, valid = read_window(part, declared, grid, Window(0, 0, 80, 80))
    assert valid.mean() > 0.95
    x, y = Affine(*grid.transform) @ (70.5, 40.5)
    (longitude,), _ = rasterio.warp.transform(CRS.from_wkt(UTM1), CRS.from_wkt(DEGREES), [x], [y])
    assert longitude < -179
    expected = 1 + (longitude + 360 - 179.5) / 0.01 - 0.5
    assert got[0, 40, 70] == pytest.approx(expected, abs=0.2)
    metric = write_tiff(
        tmp_path / "m.tif",
        np.ones((1, 80, 80), "uint8"),
        transform=Affine(*grid.transform),
        crs="EPSG:32601",
    )
    part = find_bands(str(metric), declared, None)
    _, valid = read_window(part, declared, grid_of(str(path)), Window(0, 0, 100, 100))
    assert valid.mean() == pytest.approx(coverage(grid_of(str(path)), grid), abs=0.05)
    assert valid[:, 60:].any()


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
