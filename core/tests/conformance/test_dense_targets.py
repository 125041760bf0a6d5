from dataclasses import dataclass

import numpy as np
import pytest

from unlabeled.conformance.check import Violation
from unlabeled.conformance.dense_targets import (
    _aligned,
    _between,
    _differing,
    _require_still,
    _step,
)
from unlabeled.contract import DenseTarget


@dataclass
class Image:
    values: np.ndarray  # (C, H, W)


@dataclass
class Mask(Image, DenseTarget):
    def classes(self):
        return self.values[0].astype(np.int64)


def test_a_step_fills_the_first_quarter_of_every_channel():
    image = Image(np.ones((2, 8, 4), np.float32))
    step = _step(image, (8, 4), 0, 4.0)
    assert step.values[:, :2].min() == 4
    assert step.values[:, 2:].max() == 0
    assert (image.values == 1).all()


def test_what_a_mask_explains_is_the_correlation_ratio():
    values = np.array([1.0, 1, 3, 5])
    kinds = [np.array([True, True, False, False]), np.array([False, False, True, True])]
    assert _between(values, kinds) == pytest.approx(2.25 / 2.75)


def test_places_that_differ_are_counted():
    image, mask = Image(np.zeros((1, 2, 2))), Mask(np.zeros((1, 2, 2)))
    image.values[0, 0, 0] = 4
    assert _differing(image, mask) == 0.25
    with pytest.raises(Violation, match="a mask of"):
        _aligned(image, Mask(np.zeros((1, 2, 3))))


def test_what_moves_is_unlike_what_it_was():
    image = _step(Image(np.zeros((1, 8, 8))), (8, 8), 0, 4.0)
    mask = _step(Mask(np.zeros((1, 8, 8))), (8, 8), 0, 1)
    _require_still(Image(image.values * 0.5 + 1), mask)
    _require_still(Image(np.zeros((1, 8, 8))), mask)
    for moved in (image.values[:, ::-1], image.values.transpose(0, 2, 1)):
        with pytest.raises(Violation, match="does not derive from MovesSpace"):
            _require_still(Image(moved.copy()), mask)
