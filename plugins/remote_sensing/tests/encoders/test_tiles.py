import numpy as np
import pytest
import torch

from unlabeled_remote_sensing.encoders import tiles
from unlabeled_remote_sensing.encoders.croma import CROMA, CROMASettings
from unlabeled_remote_sensing.encoders.raster_vit import RasterViT, RasterViTSettings
from unlabeled_remote_sensing.encoders.tiles import longest_side
from unlabeled_remote_sensing.raster import Layer, Raster
from unlabeled_remote_sensing.sensors import Sensor

SENSORS = {"S1": Sensor(bands=("a",)), "S2": Sensor(bands=("b", "c"))}
PLACE = (10.0, 0.0, 0.0, 0.0, -10.0, 0.0)


def raster(height, width, seed=0):
    rng = np.random.default_rng(seed)
    layers = {
        name: Layer(
            rng.normal(size=(len(sensor.bands), height, width)).astype("float32"),
            np.ones((height, width), bool),
        )
        for name, sensor in SENSORS.items()
    }
    return Raster(layers, PLACE)


def croma():
    torch.manual_seed(0)
    return CROMA(CROMASettings(sensors=SENSORS, patch=4, width=16, depth=2, heads=4)).eval()


def vit():
    torch.manual_seed(0)
    settings = RasterViTSettings(sensors=SENSORS, patch=4, width=16, depth=1, heads=4)
    return RasterViT(settings).eval()


def encode(encoder, output, *rasters):
    with torch.inference_mode():
        return encoder.encode(encoder.collate(rasters), output)


def test_a_table_of_biases_stays_within_its_bound():
    assert [longest_side(heads) for heads in (4, 16)] == [64, 45]
    assert 4 * 4 * longest_side(4) ** 4 <= tiles.ATTENTION


@pytest.mark.parametrize("length", [1, 64, 65, 100, 1000])
def test_tiles_keep_every_token_once_and_are_no_longer_than_the_bound(length):
    spans = tiles._spans(length, 64)
    assert [t for _, _, first, last in spans for t in range(first, last)] == list(range(length))
    assert all(stop - start <= 64 for start, stop, _, _ in spans)
    assert all(start <= first < last <= stop for start, stop, first, last in spans)


@pytest.mark.parametrize("output", ["S1_tokens", "joint_tokens", "joint", "S2", "concatenated"])
def test_small_scenes_are_encoded_as_before(output, monkeypatch):
    two = (raster(24, 20), raster(16, 28, 1))
    expected = encode(croma(), output, *two)
    monkeypatch.setattr(tiles, "ATTENTION", 4 * 4 * 7**4)
    found = encode(croma(), output, *two)
    if output.endswith("tokens"):
        torch.testing.assert_close(found.position, expected.position)
        found, expected = found.values, expected.values
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize(("make", "output"), [(croma, "joint_tokens"), (vit, "tokens")])
def test_large_scenes_are_cut_alike_in_any_batch(make, output, monkeypatch):
    monkeypatch.setattr(tiles, "ATTENTION", 4 * 4 * 8**4)
    encoder, large, small = make(), raster(50, 90), raster(30, 20, 1)
    alone = [encode(encoder, output, one) for one in (large, small)]
    assert alone[0].values.shape[:2] == (1, 13 * 23)
    together = encode(encoder, output, large, small)
    for row, one in enumerate(alone):
        own = together.values[row][together.valid[row]]
        torch.testing.assert_close(own, one.values[0][one.valid[0]], rtol=1e-4, atol=1e-5)
        places = together.position[row][together.valid[row]]
        torch.testing.assert_close(places, one.position[0][one.valid[0]])


def test_tokens_in_tiles_are_near_those_of_the_whole(monkeypatch):
    whole = encode(vit(), "tokens", raster(80, 80))
    monkeypatch.setattr(tiles, "ATTENTION", 4 * 4 * 16**4)
    cut = encode(vit(), "tokens", raster(80, 80))
    assert not torch.equal(cut.values, whole.values)
    correlation = np.corrcoef(cut.values.numpy().ravel(), whole.values.numpy().ravel())[0, 1]
    assert correlation > 0.9
    assert cut.valid.all()


def test_a_scene_without_data_has_no_valid_token(monkeypatch):
    monkeypatch.setattr(tiles, "ATTENTION", 4 * 4 * 4**4)
    empty = raster(40, 40)
    for layer in empty.layers.values():
        layer.valid[:] = False
    assert not encode(vit(), "tokens", empty).valid.any()
    assert (encode(vit(), "pooled", empty) == 0).all()


def test_gradients_pass_through_tiles(monkeypatch):
    monkeypatch.setattr(tiles, "ATTENTION", 4 * 4 * 8**4)
    encoder = vit().train()
    encoder.encode(encoder.collate([raster(50, 50)]), "pooled").square().sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in encoder.parameters() if p.grad is not None)
    assert any(p.grad is not None and p.grad.abs().max() > 0 for p in encoder.parameters())
