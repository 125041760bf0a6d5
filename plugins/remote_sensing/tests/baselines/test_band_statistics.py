import numpy as np

from unlabeled_remote_sensing.baselines.band_statistics import BandStatistics
from unlabeled_remote_sensing.raster import Layer, Raster


def test_mean_deviation_highest_and_lowest_over_valid_pixels():
    values = np.random.default_rng(0).normal(size=(2, 5, 6)).astype("float32")
    valid = np.ones((5, 6), bool)
    valid[0, 0] = False
    raster = Raster({"x": Layer(values, valid)}, (1.0, 0.0, 0.0, 0.0, 1.0, 0.0))
    expected = [
        *(band[valid].astype("float64").mean() for band in values),
        *(band[valid].astype("float64").std(ddof=1) for band in values),
        *(band[valid].max() for band in values),
        *(band[valid].min() for band in values),
    ]
    np.testing.assert_allclose(BandStatistics()(raster), expected, rtol=1e-6)


def test_a_sensor_without_data_is_undefined_and_one_pixel_has_no_spread():
    empty = Layer(np.zeros((2, 3, 3), "float32"), np.zeros((3, 3), bool))
    one = Layer(np.full((1, 1, 1), 4.0, "float32"), np.ones((1, 1), bool))
    transform = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    assert np.isnan(BandStatistics()(Raster({"x": empty}, transform))).all()
    assert BandStatistics()(Raster({"x": one}, transform)).tolist() == [4, 0, 4, 4]
