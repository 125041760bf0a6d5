import numpy as np
import pytest
import rasterio

from unlabeled.errors import UnreadableItem
from unlabeled_remote_sensing.readers.complex_scenes import ComplexScenes
from unlabeled_remote_sensing.sensors import Sensor

RNG = np.random.default_rng(0)
PARTS = RNG.normal(size=(2, 6, 7)).astype("float32")


def test_two_bands_are_real_and_imaginary_part(write_tiff, tmp_path):
    write_tiff(tmp_path / "x.tif", PARTS)
    reader = ComplexScenes(sensors={"slc": Sensor(bands=("real", "imaginary"))})
    values = reader.read(reader.index(tmp_path)[0]).layers["slc"].values
    np.testing.assert_array_equal(values, (PARTS[:1] + 1j * PARTS[1:]).astype("complex64"))


def test_a_detected_image_is_refused(write_tiff, tmp_path):
    write_tiff(tmp_path / "x.tif", PARTS[:1])
    reader = ComplexScenes()
    with pytest.raises(UnreadableItem, match="lost its phase"):
        reader.read(reader.index(tmp_path)[0])


def test_a_real_complex_scene(real_data, tmp_path):
    name = "uavsar_winnipeg_lband_hh_complex64.tif"
    (tmp_path / name).symlink_to(real_data / "slc_complex" / name)
    reader = ComplexScenes()
    raster = reader.read(reader.index(tmp_path)[0])
    assert raster.shape == (250, 250)
    assert np.iscomplexobj(raster.layers["slc"].values)


def test_zeros_around_a_scene_are_no_data_and_a_single_zero_is(write_tiff, tmp_path):
    values = (RNG.normal(size=(1, 20, 30)) + 1j * RNG.normal(size=(1, 20, 30))).astype("complex64")
    values[:, :, :4] = 0
    values[:, 9:12, 20:25] = 0
    values[0, 5, 15] = 0
    write_tiff(tmp_path / "x.tif", values)
    reader = ComplexScenes()
    layer = reader.read(reader.index(tmp_path)[0]).layers["slc"]
    expected = np.ones((20, 30), bool)
    expected[:, :4] = expected[9:12, 20:25] = False
    np.testing.assert_array_equal(layer.valid, expected)


@pytest.mark.parametrize("dtype", ["complex64", "complex_int16"])
def test_a_window_of_zeros_is_empty_and_not_an_error(tmp_path, dtype):
    values = np.zeros((1, 20, 30), "complex64")
    values[:, :, 20:] = 40 + 30j
    profile = {"driver": "GTiff", "height": 20, "width": 30, "count": 1, "dtype": dtype}
    with rasterio.open(tmp_path / "x.tif", "w", **profile) as target:
        target.write(values)
    reader = ComplexScenes(window=10, items="window")
    valid = [reader.read(item).layers["slc"].valid.mean() for item in reader.index(tmp_path)]
    assert valid == [0, 0, 1, 0, 0, 1]


def test_an_image_without_an_imaginary_part_is_refused(write_tiff, tmp_path):
    write_tiff(tmp_path / "x.tif", np.ones((1, 6, 7), "complex64"))
    reader = ComplexScenes()
    with pytest.raises(UnreadableItem, match="one part that is 0 everywhere"):
        reader.read(reader.index(tmp_path)[0])


def test_a_single_setting_of_the_sensor_keeps_its_band():
    assert ComplexScenes(sensors={"slc": {"nodata": 0}}).sensors["slc"].bands == ("amplitude",)
