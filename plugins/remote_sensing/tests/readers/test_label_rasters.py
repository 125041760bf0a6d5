"""Masks lie on their scenes: cut as windows, or warped from another grid."""

import numpy as np
import pytest
from rasterio.transform import Affine

from unlabeled.errors import UnreadableItem
from unlabeled.randomness import keyed_rng
from unlabeled_remote_sensing.readers.label_rasters import read_label_raster
from unlabeled_remote_sensing.readers.scenes import Scenes
from unlabeled_remote_sensing.sensors import Sensor

GRID = Affine(10.0, 0.0, 600_000.0, 0.0, -10.0, 5_000_000.0)
SENSORS = {"x": Sensor(bands=("a",))}


@pytest.fixture
def scene(write_tiff, tmp_path):
    """A scene whose pixels are all different; its mask is 2 where they are high."""
    values = np.random.default_rng(0).permutation(20 * 30).reshape(1, 20, 30)
    write_tiff(tmp_path / "data/s_x.tif", values.astype("float32"))
    write_tiff(tmp_path / "mask.tif", np.where(values > 300, 2, 0).astype("uint8"))
    return tmp_path


def read(folder, rng=None, **settings):
    reader = Scenes(sensors=SENSORS, **settings)
    item = reader.index(folder / "data")[0]
    sample = reader.read(item, rng)
    return sample, reader.read_target(item, folder / "mask.tif", like=sample)


def test_classes_are_where_their_pixels_are(scene):
    for rng in (None, keyed_rng(0), keyed_rng(1)):
        sample, target = read(scene, rng, window=8)
        assert target.shape == sample.shape == ((20, 30) if rng is None else (8, 8))
        np.testing.assert_array_equal(target.classes(), 2 * (sample.layers["x"].values[0] > 300))


def test_a_coarser_mask_gives_the_nearest_class(scene, write_tiff):
    coarse = np.random.default_rng(1).integers(0, 3, (1, 10, 15)).astype("uint8")
    write_tiff(scene / "mask.tif", coarse, transform=GRID @ Affine.scale(2))
    _, target = read(scene)
    np.testing.assert_array_equal(target.classes(), coarse[0].repeat(2, 0).repeat(2, 1))


def test_beyond_the_mask_and_in_its_gaps_nothing_is_known(scene, write_tiff):
    part = np.ones((1, 10, 30), "uint8")
    part[0, 0, 0] = 255
    write_tiff(scene / "mask.tif", part, nodata=255)
    _, target = read(scene)
    assert (target.classes()[10:] == -1).all()
    assert target.classes()[0, 0] == -1
    assert (target.classes()[1:10] == 1).all()


def test_masks_of_other_places_or_without_classes_are_refused(scene, write_tiff):
    sample, _ = read(scene)
    far = write_tiff(
        scene / "far.tif", np.ones((1, 4, 4), "uint8"), transform=GRID @ Affine.translation(900, 0)
    )
    with pytest.raises(UnreadableItem, match="covers its scene"):
        read_label_raster(str(far), sample)
    shares = write_tiff(scene / "shares.tif", np.full((1, 20, 30), 0.5, "float32"))
    with pytest.raises(UnreadableItem, match="whole class numbers"):
        read_label_raster(str(shares), sample)
    nowhere = write_tiff(scene / "n.tif", np.ones((1, 5, 5), "uint8"), crs=None)
    with pytest.raises(UnreadableItem, match="a CRS"):
        read_label_raster(str(nowhere), sample)
