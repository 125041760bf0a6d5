import numpy as np
import pytest
import rasterio
import rasterio.warp
from rasterio.control import GroundControlPoint
from rasterio.crs import CRS
from rasterio.enums import ColorInterp
from rasterio.transform import Affine
from rasterio.windows import Window

from unlabeled.errors import UnreadableItem
from unlabeled_remote_sensing.readers.bands import find_bands
from unlabeled_remote_sensing.readers.files import grid_of
from unlabeled_remote_sensing.readers.windows import (
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


def other_grid(write_tiff, folder, shape, transform):
    path = write_tiff(folder / "g.tif", np.zeros((1, *shape), "uint8"), transform=transform)
    return grid_of(str(path))


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


def test_the_fourth_band_of_8_bits_is_a_band_where_it_is_declared(write_tiff, tmp_path):
    """GDAL takes it for alpha (NAIP, Planet): water, whose near infrared is 0, had no data."""
    values = RNG.integers(1, 255, (4, 6, 8)).astype("uint8")
    values[3, :2] = 0
    for name, names in (("named.tif", ("R", "G", "B", "NIR")), ("plain.tif", None)):
        path = write_tiff(tmp_path / name, values, names=names)
        with rasterio.open(path) as source:
            assert source.colorinterp[3] == ColorInterp.alpha
        got, valid = read(path, sensor("R", "G", "B", "NIR"))
        np.testing.assert_array_equal(got, values)
        assert valid.all()
    got, valid = read(tmp_path / "named.tif", sensor("R", "G", "B"))
    assert valid.all()
    got, valid = read(tmp_path / "plain.tif", sensor("R", "G", "B"))
    assert valid.sum() == 32
    got, valid = read(tmp_path / "named.tif", sensor("NIR"))
    assert valid.all()


def test_the_fourth_band_stays_one_on_another_grid(write_tiff, tmp_path):
    values = np.full((4, 6, 8), 100, "uint8")
    values[3] = 0
    path = write_tiff(tmp_path / "x.tif", values, names=("R", "G", "B", "NIR"))
    fine = Affine(5.0, 0.0, 600_000.0, 0.0, -5.0, 5_000_000.0)
    grid = grid_of(
        str(write_tiff(tmp_path / "g.tif", np.zeros((1, 12, 16), "uint8"), transform=fine))
    )
    got, valid = read(path, sensor("R", "G", "B", "NIR"), Window(0, 0, 16, 12), grid)
    assert valid.all()
    assert (got[:3] == 100).all()
    assert (got[3] == 0).all()


STACK = """<VRTDataset rasterXSize="8" rasterYSize="6"><SRS>EPSG:32633</SRS>
<GeoTransform>600000,10,0,5000000,0,-10</GeoTransform>{bands}</VRTDataset>"""
BAND = """<VRTRasterBand dataType="{kind}" band="{number}"><NoDataValue>{nodata}</NoDataValue>
<Description>{name}</Description><SimpleSource><SourceFilename relativeToVRT="1">{name}.tif
</SourceFilename><SourceBand>1</SourceBand></SimpleSource></VRTRasterBand>"""


@pytest.fixture
def stack(write_tiff, tmp_path):
    """B02 without data in columns 0 and 1 (0), dem in row 0 (-32768), and at sea level in row 1."""
    b02, dem = np.full((1, 6, 8), 900, "int16"), np.full((1, 6, 8), 5.0, "float32")
    b02[0, :, :2], dem[0, 0], dem[0, 1] = 0, -32768, 0
    write_tiff(tmp_path / "B02.tif", b02)
    write_tiff(tmp_path / "dem.tif", dem)
    rows = (("Int16", 1, 0, "B02"), ("Float32", 2, -32768, "dem"))
    keys = ("kind", "number", "nodata", "name")
    bands = "".join(BAND.format(**dict(zip(keys, row, strict=True))) for row in rows)
    path = tmp_path / "stack.vrt"
    path.write_text(STACK.format(bands=bands.replace("\n</Source", "</Source")))
    return path


def test_every_band_has_its_own_nodata(stack):
    got, valid = read(stack, sensor("B02", "dem"))
    expected = np.ones((6, 8), bool)
    expected[0] = expected[:, :2] = False
    np.testing.assert_array_equal(valid, expected)
    assert (got[1, 1, 2:] == 0).all()
    assert got.min() == 0


def test_every_band_has_its_own_nodata_on_another_grid(stack, write_tiff, tmp_path):
    fine = Affine(5.0, 0.0, 600_000.0, 0.0, -5.0, 5_000_000.0)
    grid = grid_of(
        str(write_tiff(tmp_path / "g.tif", np.zeros((1, 12, 16), "uint8"), transform=fine))
    )
    got, valid = read(stack, sensor("B02", "dem"), Window(0, 0, 16, 12), grid)
    assert not valid[0].any()
    assert not valid[:, :3].any()
    assert valid[2:, 4:].all()
    assert (got[0][valid] == 900).all()
    assert got[1].min() == 0
    assert got[1].max() == 5


def test_a_band_without_data_does_not_leak_into_its_neighbours(write_tiff, tmp_path):
    """GDAL lets a pixel through where only some of its bands lack data: -724 was interpolated."""
    values = np.full((2, 6, 8), 100, "int16")
    values[0, :, 4] = -999
    path = write_tiff(tmp_path / "x.tif", values, nodata=-999)
    fine = Affine(5.0, 0.0, 600_000.0, 0.0, -5.0, 5_000_000.0)
    grid = grid_of(
        str(write_tiff(tmp_path / "g.tif", np.zeros((1, 12, 16), "uint8"), transform=fine))
    )
    got, valid = read(path, sensor("a", "b"), Window(0, 0, 16, 12), grid)
    assert (got[:, valid] == 100).all()


def test_a_mask_within_the_file_is_used_on_both_grids(tmp_path, write_tiff):
    path = write_tiff(tmp_path / "x.tif", np.full((2, 6, 8), 100, "uint16"))
    inside = np.full((6, 8), 255, "uint8")
    inside[:, :4] = 0
    with rasterio.open(path, "r+") as target:
        target.write_mask(inside)
    _, valid = read(path, sensor("a", "b"))
    np.testing.assert_array_equal(valid, inside > 0)
    coarse = Affine(20.0, 0.0, 600_000.0, 0.0, -20.0, 5_000_000.0)
    grid = grid_of(
        str(write_tiff(tmp_path / "g.tif", np.zeros((1, 3, 4), "uint8"), transform=coarse))
    )
    _, valid = read(path, sensor("a", "b"), Window(0, 0, 4, 3), grid)
    np.testing.assert_array_equal(valid, inside[::2, ::2] > 0)


def test_nodata_that_the_type_cannot_hold_is_nobodys_value(write_tiff, tmp_path):
    values = np.full((1, 6, 8), 2**32 - 9999, "uint32")
    path = write_tiff(tmp_path / "x.tif", values)
    assert read(path, sensor(nodata=-9999))[1].all()
    assert read(path, sensor(nodata=0.5))[1].all()


def test_complex_integers_and_what_is_beside_them(tmp_path, write_tiff):
    profile = {"driver": "GTiff", "height": 6, "width": 8, "count": 1, "dtype": "complex_int16"}
    place = Affine(10.0, 0.0, 600_000.0, 0.0, -10.0, 5_000_000.0)
    path = tmp_path / "x.tif"
    with rasterio.open(path, "w", crs="EPSG:32633", transform=place, **profile) as target:
        target.write(np.full((1, 6, 8), 3 - 4j, "complex64"))
    got, _ = read(path, sensor())
    assert (got == 3 - 4j).all()
    moved = Affine(10.0, 0.0, 600_040.0, 0.0, -10.0, 5_000_000.0)
    grid = grid_of(
        str(write_tiff(tmp_path / "g.tif", np.zeros((1, 6, 8), "uint8"), transform=moved))
    )
    got, valid = read(path, sensor(), grid=grid)
    assert valid[:, :4].all()
    assert not valid[:, 4:].any()


@pytest.mark.parametrize("shear", [0.0, 3.0])
def test_rotated_and_sheared_files_are_laid_on_a_straight_grid(write_tiff, tmp_path, shear):
    ramp = np.broadcast_to(np.arange(60.0), (1, 60, 60)).astype("float32")
    turned = (
        Affine.translation(600_000, 5_000_000)
        @ Affine.rotation(30)
        @ Affine(10, shear, 0, 0, -10, 0)
    )
    path = write_tiff(tmp_path / "x.tif", ramp, transform=turned)
    grid = other_grid(write_tiff, tmp_path, (20, 20), Affine(10, 0, 600_300, 0, -10, 5_000_100))
    got, valid = read(path, sensor(), Window(0, 0, 20, 20), grid)
    assert valid.any()
    for row, column in np.argwhere(valid)[::37]:
        across, _ = ~turned @ (Affine(*grid.transform) @ (column + 0.5, row + 0.5))
        assert got[0, row, column] == pytest.approx(np.clip(across - 0.5, 0, 59), abs=0.13)


def test_another_projection_is_laid_on_the_grid(write_tiff, tmp_path):
    """Zone 32 beside zone 33, at a place whose value is the easting."""
    grid = other_grid(write_tiff, tmp_path, (20, 20), Affine(10, 0, 200_000, 0, -10, 5_000_000))
    x, y = rasterio.warp.transform("EPSG:32633", "EPSG:32632", [200_000], [5_000_000])
    place = Affine(10, 0, x[0] - 100, 0, -10, y[0] + 100)
    ramp = np.broadcast_to(x[0] - 95 + 10 * np.arange(60.0), (1, 60, 60)).astype("float32")
    path = write_tiff(tmp_path / "x.tif", ramp, transform=place, crs="EPSG:32632")
    got, valid = read(path, sensor(), Window(0, 0, 20, 20), grid)
    assert valid.all()
    east, north = Affine(*grid.transform) @ (7.5, 12.5)
    (expected,), _ = rasterio.warp.transform("EPSG:32633", "EPSG:32632", [east], [north])
    assert got[0, 12, 7] == pytest.approx(expected, abs=0.5)


def test_ground_control_points_alone_are_no_map(write_tiff, tmp_path):
    first = write_tiff(tmp_path / "f.tif", np.ones((1, 3, 4), "uint8"))
    points = [GroundControlPoint(0, 0, 10, 50), GroundControlPoint(0, 8, 11, 50)]
    points.append(GroundControlPoint(6, 0, 10, 49))
    second = write_tiff(tmp_path / "s.tif", np.ones((1, 6, 8), "uint8"), crs=None)
    with rasterio.open(second, "r+") as target:
        target.gcps = (points, CRS.from_epsg(4326))
    with pytest.raises(UnreadableItem, match="ground control points only; warp"):
        read(second, sensor(), Window(0, 0, 4, 3), grid_of(str(first)))
