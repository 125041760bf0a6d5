import io

import numpy as np
import pytest

from unlabeled_remote_sensing.raster import Layer, Raster
from unlabeled_remote_sensing.readers.pictures import colours_of, previews_of
from unlabeled_remote_sensing.sensors import Sensor

SENSORS = {
    "S2": Sensor(bands=("B02", "B03", "B04"), unit="reflectance"),
    "S1": Sensor(bands=("VV",), unit="dB"),
}


def test_each_sensor_is_shown_in_its_colours_and_gaps_are_black():
    values = np.random.default_rng(0).uniform(1, 2, (3, 8, 10)).astype(np.float32)
    valid = np.ones((8, 10), dtype=bool)
    valid[0] = False
    layers = {"S2": Layer(values, valid), "S1": Layer(values[:1] * (1 + 1j), valid)}
    optical, radar = previews_of(Raster(layers, (10, 0, 0, 0, -10, 0), "", 10.0), SENSORS)
    image = pytest.importorskip("PIL.Image")
    pixels = np.asarray(image.open(io.BytesIO(optical.content)))
    assert pixels.shape == (8, 10, 3)
    assert not pixels[0].any()
    place = np.unravel_index((values[2] * valid).argmax(), valid.shape)
    assert pixels[place][0] == 255  # B04 is red
    assert optical.caption.startswith("S2: B04 1.0")
    assert optical.caption.endswith("reflectance; 8 × 10 pixels of 10 m")
    assert "dB of the amplitude" in radar.caption


def test_bands_without_known_colours_are_grey():
    assert colours_of(("B02", "B03", "B04")) == [2, 1, 0]
    assert colours_of(("VV", "VH")) == [0]


def test_two_polarisations_and_their_difference_are_red_green_and_blue():
    sensors = {**SENSORS, "S1": Sensor(bands=("VV", "VH"), unit="dB")}
    valid = np.ones((8, 10), dtype=bool)
    rng = np.random.default_rng(0)
    radar = rng.uniform(-20, -5, (2, 8, 10)).astype(np.float32)
    optical = rng.uniform(1, 2, (3, 8, 10)).astype(np.float32)
    layers = {"S1": Layer(radar, valid), "S2": Layer(optical, valid)}
    first, second = previews_of(Raster(layers, (10, 0, 0, 0, -10, 0), "", 10.0), sensors)
    assert first.caption.startswith("S2: ")
    assert "VV −1" in second.caption.replace("-", "−")
    assert "VV − VH " in second.caption
    image = pytest.importorskip("PIL.Image")
    pixels = np.asarray(image.open(io.BytesIO(second.content)))
    difference = radar[0] - radar[1]
    assert pixels[np.unravel_index(difference.argmax(), valid.shape)][2] == 255
    assert pixels[np.unravel_index(difference.argmin(), valid.shape)][2] == 0
