import numpy as np
import pytest

from unlabeled.contract import Piece
from unlabeled.errors import PluginError
from unlabeled_remote_sensing.evaluators.patches import (
    band_indices,
    index_patches,
    raw_patches,
    token_patches,
)
from unlabeled_remote_sensing.raster import Layer, Raster
from unlabeled_remote_sensing.sensors import SENTINEL1, SENTINEL2_L2A, Sensor

PLACE = (10.0, 0.0, 600_000.0, 0.0, -10.0, 5_000_000.0)


def scene(values, name="x"):
    values = np.asarray(values, np.float32)
    return Raster({name: Layer(values, np.ones(values.shape[1:], bool))}, PLACE)


def test_tokens_return_to_their_places():
    image = scene(np.zeros((1, 14, 21)))
    rows, columns = np.divmod(np.array([1, 2, 4]), 3)  # the first token has no data
    x, y = 600_000 + 10 * (columns + 0.5) * 7, 5_000_000 - 10 * (rows + 0.5) * 7
    piece = Piece(np.array([[1.0], [2], [4]]), np.stack([x, y], axis=1))
    found = token_patches(piece, image)
    assert found.side == 7
    np.testing.assert_array_equal(found.values[..., 0], [[0, 1, 2], [0, 4, 0]])
    with pytest.raises(PluginError, match="centres of square patches"):
        token_patches(Piece(piece.values, piece.position + 12.0), image)


def test_raw_patches_hold_all_values_of_four_pixels():
    values = np.arange(2 * 8 * 4).reshape(2, 8, 4)
    found = raw_patches(scene(values), {})
    assert (found.side, found.values.shape) == (4, (2, 1, 32))
    np.testing.assert_array_equal(found.values[1, 0], values[:, 4:].ravel())
    assert raw_patches(scene(values[:, :6, :3]), {}).values.shape == (2, 1, 32)
    both = {"x": Sensor(bands=("a", "b")), "y": Sensor(bands=("c",))}
    lacking = raw_patches(scene(values), both).values
    assert lacking.shape == (2, 1, 48)
    assert not lacking[..., 32:].any()


def test_indices_follow_from_the_names_of_bands():
    indices = band_indices(SENTINEL2_L2A)
    assert list(indices) == ["NDVI", "NDWI", "MNDWI", "NDBI"]
    bands = np.zeros((12, 1, 1))
    for name, value in {"B03": 2, "B04": 1, "B08": 3, "B11": 6}.items():
        bands[SENTINEL2_L2A.bands.index(name)] = value
    found = {name: index(bands).item() for name, index in indices.items()}
    assert found == pytest.approx({"NDVI": 0.5, "NDWI": -0.2, "MNDWI": -0.5, "NDBI": 1 / 3})
    assert not indices["NDVI"](np.zeros((12, 1, 1))).any()
    (radar,) = band_indices(SENTINEL1).values()
    assert radar(np.array([[[-8.0]], [[-15.0]]])).item() == 7


def test_no_index_where_bands_have_other_names():
    other = {"x": Sensor(bands=("before", "after"))}
    assert index_patches(scene(np.zeros((2, 8, 8))), other) is None
    named = {"x": Sensor(bands=("red", "nir"))}
    assert index_patches(scene(np.ones((2, 8, 8))), named).values.shape == (2, 2, 16)
