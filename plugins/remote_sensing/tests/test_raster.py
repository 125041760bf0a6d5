import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rasterio.transform import Affine

from unlabeled_remote_sensing.raster import Layer, Raster, compose, shifted

numbers = st.floats(-100, 100)
transforms = st.tuples(*[numbers] * 6)


@given(transforms, transforms)
def test_compose_is_that_of_affine(outer, inner):
    expected = tuple(Affine(*outer) @ Affine(*inner))[:6]
    assert compose(outer, inner) == pytest.approx(expected)


@given(transforms, st.integers(0, 99), st.integers(0, 99))
def test_shifted_starts_where_the_pixel_was(transform, row, column):
    x, y = Affine(*transform) @ (column, row)
    assert shifted(transform, row, column)[2::3] == pytest.approx((x, y))


def test_values_stay_zero_where_there_are_no_data():
    valid = np.array([[True, False]])
    raster = Raster({"a": Layer(np.ones((1, 1, 2), "float32"), valid)}, (1, 0, 0, 0, 1, 0))
    changed = raster.with_values(lambda name, x: x + 1)
    assert changed.layers["a"].values.tolist() == [[[2.0, 0.0]]]
    assert raster.layers["a"].values.tolist() == [[[1.0, 1.0]]]
