import numpy as np
import pytest
import torch

from unlabeled_remote_sensing.encoders.raster_batch import token_grid
from unlabeled_remote_sensing.encoders.raster_vit import RasterViT, RasterViTSettings
from unlabeled_remote_sensing.raster import Layer, Raster
from unlabeled_remote_sensing.sensors import Sensor

SENSORS = {"a": Sensor(bands=("x", "y")), "b": Sensor(bands=("z",), mean=(1.0,), std=(2.0,))}


def raster(height=16, width=24, seed=0, names=("a", "b")):
    rng = np.random.default_rng(seed)
    layers = {
        name: Layer(
            rng.normal(size=(len(SENSORS[name].bands), height, width)).astype("float32"),
            np.ones((height, width), bool),
        )
        for name in names
    }
    return Raster(layers, (2.0, 0.0, 5.0, 0.0, -2.0, 7.0))


@pytest.fixture(scope="module", params=["sine", "alibi"])
def encoder(request):
    torch.manual_seed(0)
    settings = RasterViTSettings(
        sensors=SENSORS, width=16, depth=2, heads=2, positions=request.param
    )
    return RasterViT(settings).eval()


def test_outputs(encoder):
    batch = encoder.collate([raster(), raster(seed=1)])
    assert encoder(batch).shape == (2, 16)
    tokens = encoder.encode(batch, "tokens")
    assert tokens.values.shape == (2, 6, 16)
    assert tokens.position[0, 4].tolist() == [5 + 2 * 12, 7 - 2 * 12]


def test_running_every_token_is_running_all(encoder):
    batch = encoder.collate([raster(), raster(seed=1)])
    visible = torch.arange(6).expand(2, 6)
    tokens = encoder.encode(batch, "tokens").values
    torch.testing.assert_close(encoder.encode_visible(batch, visible), tokens)


def test_patches_are_normalised_values_in_channel_row_column_order(encoder):
    sample = raster()
    values, known = encoder.patches(encoder.collate([sample]))
    assert values.shape == (1, 6, encoder.patch_values)
    assert known.all()
    third = values[0, 4].view(3, 8, 8)[2]
    expected = (sample.layers["b"].values[0, 8:16, 8:16] - 1) / 2
    np.testing.assert_allclose(third.numpy(), expected, rtol=1e-6)


def test_a_sample_does_not_depend_on_neighbours_or_padding(encoder):
    alone = encoder(encoder.collate([raster(12, 20)]))
    together = encoder(encoder.collate([raster(12, 20), raster(32, 32, seed=2)]))[:1]
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)


def test_grid_marks_tokens_with_any_data():
    sample = raster(12, 20, names=("a",))
    sample.layers["a"].valid[:8, :8] = False
    grid = token_grid(sample, "a", 8)
    assert grid.tolist() == [[False, True, True], [True, True, True]]
    assert not token_grid(sample, "b", 8).any()


def test_patches_are_drawn_in_the_units_of_the_sensors(encoder):
    sample = raster(height=13)
    patches = encoder.patches(encoder.collate([sample]))[0][0]

    class Kept:
        def previews(self, item, sample):
            return sample

    drawn = encoder.draw_patches(None, sample, patches, Kept())
    for name, layer in sample.layers.items():
        np.testing.assert_allclose(drawn.layers[name].values, layer.values, atol=1e-5)
