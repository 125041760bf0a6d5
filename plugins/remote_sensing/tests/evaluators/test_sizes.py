import numpy as np
import torch

from unlabeled.probes.logistic import Logistic
from unlabeled_remote_sensing.encoders.raster_vit import RasterViT, RasterViTSettings
from unlabeled_remote_sensing.evaluators.sizes import (
    SizeProtocol,
    band_ranges,
    expected_statistics,
    scaled,
)
from unlabeled_remote_sensing.raster import Layer, Raster
from unlabeled_remote_sensing.sensors import Sensor

SENSORS = {"x": Sensor(bands=("a", "b"), mean=(100.0, 5.0), std=(30.0, 2.0))}


def rasters(count, seed):
    rng = np.random.default_rng(seed)
    made = []
    for number in range(count):
        values = rng.normal(100 + 40 * (number % 2), 20, (2, 16, 16)).astype("float32")
        made.append(
            Raster({"x": Layer(values, np.ones((16, 16), bool))}, (1.0, 0.0, 0.0, 0.0, 1.0, 0.0))
        )
    return made


def encoder():
    torch.manual_seed(0)
    return RasterViT(RasterViTSettings(sensors=SENSORS, width=8, depth=1, heads=2)).eval()


def test_the_network_sees_standardised_bands():
    images, model = rasters(6, 0), encoder()
    ranges = band_ranges(images)
    moved = [scaled(r, ranges, expected_statistics(model), "standardise") for r in images]
    batch = model.collate(moved)
    seen = model.normalisation(batch, "x").movedim(1, -1).reshape(-1, 2)
    torch.testing.assert_close(seen.mean(0), torch.zeros(2), rtol=0, atol=1e-4)
    torch.testing.assert_close(seen.std(0, correction=0), torch.ones(2), rtol=1e-4, atol=0)
    moved = [scaled(r, ranges, expected_statistics(model), "minmax") for r in images]
    seen = model.normalisation(model.collate(moved), "x")
    assert abs(seen.min().item()) < 1e-4
    assert abs(seen.max().item() - 1) < 1e-4


def test_every_size_and_scaling_is_scored_beside_band_statistics():
    train, test = rasters(24, 0), rasters(12, 1)
    target, test_target = np.arange(24) % 2, np.arange(12) % 2
    protocol = SizeProtocol(sizes=(None, 24), scalings=("none", "minmax"))
    scores = protocol(
        encoder(), "pooled", Logistic(), train, target, np.arange(24), test, test_target
    )
    assert len(scores) == 2 * 2 * 2
    assert {(s.size, s.scaling) for s in scores} == {
        (size, scaling) for size in (None, 24) for scaling in ("none", "minmax")
    }
    # The classes differ in their mean, which band statistics tell at any size and scaling.
    assert all(s.score == 1 for s in scores if s.name == "band statistics")
