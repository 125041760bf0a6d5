import numpy as np

from unlabeled_remote_sensing.augmentations.band_jitter import BandJitter
from unlabeled_remote_sensing.raster import Layer, Raster


def test_bands_change_linearly_within_the_limits_and_in_their_own_units():
    rng = np.random.default_rng(0)
    values = rng.normal([[[-12.0]], [[3000.0]]], [[[2.0]], [[400.0]]], (2, 9, 9)).astype("float32")
    valid = np.ones((9, 9), bool)
    valid[0] = False
    values[:, 0] = 0
    raster = Raster({"x": Layer(values, valid)}, (1.0, 0.0, 0.0, 0.0, 1.0, 0.0))
    seen = []
    for seed in range(20):
        jittered = BandJitter(gain=0.3, shift=0.2)(raster, np.random.default_rng(seed))
        changed = jittered.layers["x"]
        assert changed.values.dtype == np.float32
        assert (changed.values[:, ~valid] == 0).all()
        for band in range(2):
            before, after = values[band][valid], changed.values[band][valid]
            gain, offset = np.polyfit(before, after, 1)
            np.testing.assert_allclose(gain * before + offset, after, rtol=1e-3)
            assert 0.699 < gain < 1.301
            shift = (after.mean() - before.mean()) / before.std()
            assert abs(shift) < 0.201
            seen.append((gain, shift))
    assert np.std(seen, axis=0).min() > 0.05


def test_nothing_valid_stays_nothing():
    layer = Layer(np.zeros((2, 3, 3), "float32"), np.zeros((3, 3), bool))
    raster = Raster({"x": layer}, (1.0, 0.0, 0.0, 0.0, 1.0, 0.0))
    assert (BandJitter()(raster, np.random.default_rng(0)).layers["x"].values == 0).all()
