import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from unlabeled_remote_sensing.augmentations.dihedral import Dihedral
from unlabeled_remote_sensing.raster import Layer, Raster

TRANSFORM = (3.0, 1.0, 7.0, 0.5, -2.0, 9.0)


def raster(height=3, width=5):
    """Band values are the map coordinates of the pixel's centre."""
    row, column = np.mgrid[:height, :width] + 0.5
    a, b, c, d, e, f = TRANSFORM
    places = np.stack([a * column + b * row + c, d * column + e * row + f]).astype("float32")
    valid = np.ones((height, width), bool)
    valid[0, 1] = False
    return Raster({"S1": Layer(places, valid), "S2": Layer(places[:1] * 2, valid)}, TRANSFORM)


@given(st.integers(0, 1000))
def test_every_pixel_keeps_its_place_on_the_map(seed):
    before = raster()
    kept = {name: layer.values.copy() for name, layer in before.layers.items()}
    after = Dihedral()(before, np.random.default_rng(seed))
    row, column = np.mgrid[: after.shape[0], : after.shape[1]] + 0.5
    a, b, c, d, e, f = after.transform
    expected = np.stack([a * column + b * row + c, d * column + e * row + f])
    np.testing.assert_allclose(after.layers["S1"].values, expected, rtol=1e-5)
    np.testing.assert_array_equal(after.layers["S2"].values, 2 * after.layers["S1"].values[:1])
    assert (~after.layers["S1"].valid).sum() == 1
    for name, layer in before.layers.items():
        np.testing.assert_array_equal(layer.values, kept[name])


def test_all_eight_symmetries_occur():
    rng = np.random.default_rng(0)
    seen = {Dihedral()(raster(4, 4), rng).transform for _ in range(200)}
    assert len(seen) == 8
