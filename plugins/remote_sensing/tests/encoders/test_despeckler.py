import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from unlabeled.errors import RecipeError, ShapeError
from unlabeled_remote_sensing.encoders.despeckler import (
    Despeckler,
    DespecklerSettings,
    ResidualUNet,
    lattice,
)
from unlabeled_remote_sensing.raster import Layer, Raster
from unlabeled_remote_sensing.sensors import Sensor
from unlabeled_remote_sensing.synthetic import speckled

SENSORS = {"slc": Sensor(bands=("amplitude",))}


def scene(height=40, width=50, level=20.0, seed=0):
    values = speckled(np.full((height, width), level), np.random.default_rng(seed))[None]
    valid = np.ones((height, width), bool)
    return Raster({"slc": Layer(values, valid)}, (2.0, 0.0, 10.0, 0.0, -2.0, 20.0))


def despeckler(**settings):
    torch.manual_seed(0)
    values = {"width": 6, "symmetrise": False, **settings}
    made = Despeckler(DespecklerSettings(sensors=SENSORS, **values)).eval()
    nn.init.normal_(made.network.get_parameter("dec1.weight"), std=0.1)
    return made


def test_on_one_channel_the_network_has_the_official_names_and_size():
    state = ResidualUNet(1, 48).state_dict()
    names = ["enc0", "enc1", "enc2", "enc3", "enc4", "enc5", "enc6"]
    names += ["dec5", "dec5b", "dec4", "dec4b", "dec3", "dec3b", "dec2", "dec2b"]
    names += ["dec1a", "dec1b", "dec1"]
    assert set(state) == {f"{n}.{kind}" for n in names for kind in ("weight", "bias")}
    assert state["dec4.weight"].shape == (96, 144, 3, 3)
    assert state["dec1a.weight"].shape == (64, 97, 3, 3)
    assert state["dec1b.weight"].shape == (32, 64, 3, 3)
    # The released file is 3.97 MB of float32.
    assert sum(x.numel() for x in state.values()) * 4 == pytest.approx(3.97e6, rel=0.01)


def test_untrained_it_gives_the_middle_mean():
    torch.manual_seed(0)
    encoder = Despeckler(DespecklerSettings(sensors=SENSORS, width=6, scales=(3, 5, 7)))
    part, valid = torch.rand(1, 20, 33) + 0.5, torch.ones(1, 20, 33, dtype=torch.bool)
    found = encoder.log_reflectivity(part, valid).exp()
    around = F.unfold(2 * part.square().unsqueeze(1), 5).mean(dim=1).reshape(1, 16, 29)
    torch.testing.assert_close(found[:, 2:-2, 2:-2], around, rtol=0.1, atol=0)


@pytest.mark.parametrize("times", [1e-6, 1e5])
def test_a_brighter_scene_has_as_much_more_reflectivity(times):
    encoder = despeckler()
    sample = scene()
    layer = sample.layers["slc"]
    brighter = Raster({"slc": Layer(times * layer.values, layer.valid)}, sample.transform)
    one, other = (encoder.restore(x).layers["slc"].values for x in (sample, brighter))
    np.testing.assert_allclose(other, times**2 * one, rtol=1e-3)


def test_pixels_without_data_do_not_darken_their_neighbours():
    encoder = despeckler()
    sample = scene(level=1e4)
    layer = sample.layers["slc"]
    valid = layer.valid.copy()
    valid[10:30, 10:30] = False
    holed = Raster({"slc": Layer(layer.values * valid, valid)}, sample.transform)
    restored = encoder.restore(holed).layers["slc"].values[0]
    assert (restored[~valid] == 0).all()
    assert restored[valid].min() > 1e3


def test_pixels_are_tokens_with_their_places_on_the_map():
    encoder = despeckler()
    tokens = encoder.encode(encoder.collate([scene(5, 7)]), "pixels")
    assert tokens.values.shape == (1, 35, 1)
    assert tokens.position[0, 8].tolist() == [10 + 2 * 1.5, 20 - 2 * 1.5]


def test_both_parts_count_alike_and_what_is_averaged_is_one_over_reflectivity():
    encoder = despeckler()
    sample = scene()
    layer = sample.layers["slc"]
    swapped = Raster(
        {"slc": Layer(layer.values.imag + 1j * layer.values.real, layer.valid)}, sample.transform
    )
    one, other = (encoder.restore(x).layers["slc"].values for x in (sample, swapped))
    np.testing.assert_allclose(one, other, rtol=1e-5)
    parts = [torch.from_numpy(x) for x in (layer.values.real, layer.values.imag)]
    valid = torch.from_numpy(layer.valid)[None]
    each = [encoder.log_reflectivity(part, valid).exp().detach().numpy() for part in parts]
    np.testing.assert_allclose(one, 2 / (1 / each[0] + 1 / each[1]), rtol=1e-5)


def test_lattices_are_restored_on_their_own_and_put_back():
    encoder = despeckler(subsample=2)
    sample = scene(41, 50)
    restored = encoder.restore(sample).layers["slc"].values
    plain = despeckler()
    for row in range(2):
        for column in range(2):
            part = plain.restore(lattice(sample, 2, row, column)).layers["slc"].values
            np.testing.assert_allclose(restored[:, row::2, column::2], part, rtol=1e-5)


def test_a_lattice_knows_its_place():
    part = lattice(scene(), 2, 1, 0)
    assert part.transform == (4.0, 0.0, 10.0, 0.0, -4.0, 18.0)


def test_a_sample_does_not_depend_on_its_neighbours():
    encoder = despeckler()
    alone = encoder.encode(encoder.collate([scene(seed=1)]), "pixels").values
    together = encoder.encode(encoder.collate([scene(seed=1), scene(seed=2)]), "pixels").values
    torch.testing.assert_close(together[:1], alone, rtol=1e-4, atol=1e-5)


def test_what_is_not_complex_or_not_one_sensor_is_refused():
    real = Raster({"slc": Layer(np.ones((1, 4, 4), "float32"), np.ones((4, 4), bool))}, (1,) * 6)
    with pytest.raises(ShapeError, match="complex_scenes"):
        despeckler().collate([real])
    with pytest.raises(RecipeError, match="one complex sensor, found none"):
        Despeckler(DespecklerSettings())


def test_the_spectrum_is_centred_before_anything_is_restored():
    rng = np.random.default_rng(0)
    row = np.arange(64)
    spectrum = np.exp(-0.5 * ((row - 32) / 8) ** 2) * np.exp(-0.5 * ((row[:, None] - 32) / 8) ** 2)
    white = rng.normal(size=(64, 64)) + 1j * rng.normal(size=(64, 64))
    one, other = (
        Raster(
            {"slc": Layer(values[None].astype("complex64"), np.ones((64, 64), bool))},
            (1.0, 0.0, 0.0, 0.0, 1.0, 0.0),
        )
        for values in (
            np.fft.ifft2(np.fft.ifftshift(np.roll(white * spectrum, shift, axis=(0, 1)))) * 64
            for shift in ((0, 0), (9, -5))
        )
    )
    encoder = despeckler(symmetrise=True)
    a, b = (encoder.restore(x).layers["slc"].values for x in (one, other))
    np.testing.assert_allclose(a, b, rtol=1e-3)
