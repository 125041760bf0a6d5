import numpy as np
import pytest

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
