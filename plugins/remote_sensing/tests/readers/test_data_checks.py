import numpy as np
import pytest

from unlabeled_remote_sensing.raster import Layer, Raster
from unlabeled_remote_sensing.readers.data_checks import check_data

PLACE = (10.0, 0.0, 0.0, 0.0, -10.0, 0.0)
FILL = "value of every band (no data that is not declared, if so set reader.sensors.S2.nodata)"


def raster(values, valid=None, crs="EPSG:32633"):
    valid = np.ones(values.shape[1:], bool) if valid is None else valid
    return Raster({"S2": Layer(np.where(valid, values, 0), valid)}, PLACE, crs)


@pytest.fixture
def picture():
    return np.random.default_rng(0).normal(size=(3, 40, 50)).astype("float32")


def test_a_picture_is_nothing_unusual(picture):
    assert check_data(raster(picture)) == []
    assert check_data(raster(np.exp(1j * picture))) == []


@pytest.mark.parametrize(("fill", "word"), [(-9999, "lowest"), (65535, "highest")])
def test_fill_that_nobody_declared_is_named_with_the_setting(picture, fill, word):
    filled = picture.copy()
    filled[:, :8] = fill
    assert check_data(raster(filled)) == [f"S2: many pixels at the {word} {FILL}"]
    declared = np.ones((40, 50), bool)
    declared[:8] = False
    assert check_data(raster(filled, declared)) == []


def test_one_dark_band_is_no_fill(picture):
    picture[0, :20] = -9999
    assert check_data(raster(picture)) == []


def test_little_data_dead_bands_and_lost_places(picture):
    sparse = np.zeros((40, 50), bool)
    assert check_data(raster(picture, sparse)) == ["S2: no data at all"]
    sparse[:10] = True
    assert check_data(raster(picture, sparse)) == ["S2: less than half of the pixels have data"]
    picture[1] = 5
    assert check_data(raster(picture, crs=None)) == [
        "no CRS",
        "S2: a band that is the same everywhere",
    ]
