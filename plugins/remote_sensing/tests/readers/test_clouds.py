"""A sensor's mask: found, laid on its grid, and carried into views, losses and features."""

import numpy as np
import pytest
import torch
from rasterio.transform import Affine

from unlabeled.augmentations.views import Views, ViewSettings
from unlabeled.errors import DataError, UnreadableItem
from unlabeled.randomness import Draw
from unlabeled_remote_sensing.baselines.band_statistics import BandStatistics
from unlabeled_remote_sensing.encoders.croma import CROMA, CROMASettings
from unlabeled_remote_sensing.pretexts.croma import CROMAPretext, CROMAPretextSettings
from unlabeled_remote_sensing.readers.scenes import Scenes
from unlabeled_remote_sensing.sensors import PixelMask, Sensor

RNG = np.random.default_rng(0)
COARSE = Affine(20.0, 0.0, 600_000.0, 0.0, -20.0, 5_000_000.0)
CLOUD, CLEAR = 9, 4


def classes(height=16, width=16):
    """Clouds over the upper left quarter."""
    found = np.full((1, height, width), CLEAR, "uint8")
    found[:, : height // 2, : width // 2] = CLOUD
    return found


def optical(**settings):
    return Scenes(
        sensors={"S2": Sensor(bands=("B02", "B03"), mask=PixelMask())},
        **{"pattern": "{scene}.tif", **settings},
    )


def only(reader, folder):
    items = reader.index(folder)
    assert not items.quarantine
    return reader.read(items[0])


def test_a_mask_in_the_same_file_leaves_pixels_out(write_tiff, tmp_path):
    values = RNG.integers(1, 99, (2, 16, 16)).astype("uint16")
    stored = np.concatenate([values, classes()])
    write_tiff(tmp_path / "a.tif", stored, names=("B02", "B03", "SCL"))
    layer = only(optical(), tmp_path).layers["S2"]
    assert layer.values.shape == (2, 16, 16)
    np.testing.assert_array_equal(layer.valid, classes()[0] == CLEAR)
    np.testing.assert_array_equal(layer.values, values * (classes() == CLEAR))


def test_a_mask_of_its_own_and_coarser_is_laid_on_the_grid(write_tiff, tmp_path):
    for band in ("B02", "B03"):
        write_tiff(tmp_path / f"a_{band}.tif", RNG.integers(1, 99, (1, 16, 16)).astype("uint16"))
    write_tiff(tmp_path / "a_SCL.tif", classes(8, 8), transform=COARSE)
    layer = only(optical(pattern="{scene}_{band}.tif"), tmp_path).layers["S2"]
    np.testing.assert_array_equal(layer.valid, classes()[0] == CLEAR)


def test_ground_that_the_mask_does_not_cover_is_left_out(write_tiff, tmp_path):
    for band in ("B02", "B03"):
        write_tiff(tmp_path / f"a_{band}.tif", RNG.integers(1, 99, (1, 16, 16)).astype("uint16"))
    clear = np.full((1, 8, 4), CLEAR, "uint8")
    write_tiff(tmp_path / "a_SCL.tif", clear, transform=COARSE)
    layer = only(optical(pattern="{scene}_{band}.tif"), tmp_path).layers["S2"]
    assert layer.valid[:, :8].all()
    assert not layer.valid[:, 8:].any()


def test_bits_may_tell_what_to_leave_out():
    quality = PixelMask(band="QA60", values=(), bits=(10, 11))
    stored = np.array([0, 1, 1 << 10, 1 << 11, (1 << 11) + 1], "uint16")
    assert quality.leaves_out(stored).tolist() == [False, False, True, True, True]


def test_a_declared_mask_that_is_not_there_is_said(write_tiff, tmp_path):
    write_tiff(tmp_path / "a.tif", np.ones((2, 16, 16), "uint16"), names=("B02", "B03"))
    with pytest.raises(DataError, match="expected one band SCL"):
        optical().index(tmp_path)


def test_a_mask_of_fractions_is_refused(write_tiff, tmp_path):
    values = np.ones((3, 16, 16), "float32")
    write_tiff(tmp_path / "a.tif", values, names=("B02", "B03", "SCL"))
    reader = optical()
    with pytest.raises(UnreadableItem, match="whole numbers"):
        reader.read(reader.index(tmp_path)[0])


def test_what_lies_under_clouds_changes_nothing(write_tiff, tmp_path):
    """Neither views nor losses nor features: two scenes that differ only there are one."""
    radar = RNG.normal(size=(2, 16, 16)).astype("float32")
    values = RNG.integers(1, 99, (2, 16, 16)).astype("uint16")
    rasters = []
    for name, hidden in (("one", 7), ("other", 9000)):
        shown = np.where(classes() == CLEAR, values, hidden).astype("uint16")
        stored = np.concatenate([shown, classes()])
        write_tiff(tmp_path / name / "a_S1.tif", radar, names=("VV", "VH"))
        write_tiff(tmp_path / name / "a_S2.tif", stored, names=("B02", "B03", "SCL"))
        sensors = {
            "S1": Sensor(bands=("VV", "VH")),
            "S2": Sensor(bands=("B02", "B03"), mask=PixelMask()),
        }
        rasters.append(only(Scenes(sensors=sensors), tmp_path / name))
    np.testing.assert_array_equal(*map(BandStatistics(), rasters))
    losses = [loss_of(raster, sensors) for raster in rasters]
    assert losses[0] == losses[1]


def loss_of(raster, sensors):
    torch.manual_seed(0)
    encoder = CROMA(CROMASettings(sensors=sensors, patch=4, width=16, depth=2, heads=2))
    steps = ({"name": "remote_sensing/crop", "size": 12}, {"name": "remote_sensing/dihedral"})
    views = Views([ViewSettings(steps=steps)])
    method = CROMAPretext(CROMAPretextSettings(), encoder, views=views)
    examples = [method.example(raster, Draw(0, 0, name, 0, "")) for name in "ab"]
    loss = method(method.collate(examples))
    return {"total": loss.total.item(), **{k: v.item() for k, v in loss.parts.items()}}
