import numpy as np
import pytest

from unlabeled.data.dense_target import DenseTarget, pad_targets
from unlabeled.errors import DataError, ShapeError


class Mask(DenseTarget):
    def __init__(self, *rows):
        self.rows = np.array(rows, np.int64)

    def classes(self):
        return self.rows


def test_masks_are_padded_at_the_end_and_samples_without_one_are_unknown():
    joined = pad_targets([Mask([0, 1], [1, 1]), None, Mask([2, 0, 1])], (2, 3), classes=3)
    assert joined.dtype == np.int64
    assert joined.tolist() == [
        [[0, 1, -1], [1, 1, -1]],
        [[-1, -1, -1], [-1, -1, -1]],
        [[2, 0, 1], [-1, -1, -1]],
    ]


def test_other_classes_and_larger_masks_are_refused():
    with pytest.raises(DataError, match=r"expected classes 0 to 1, .* found 0 to 255"):
        pad_targets([Mask([0, 255])], (1, 2), classes=2)
    with pytest.raises(DataError, match="found -2 to 0"):
        pad_targets([Mask([0, -2])], (1, 2), classes=2)
    for grid in ((1, 2), (3,)):
        with pytest.raises(ShapeError, match=r"masks: .* found a shape of \(1, 3\)"):
            pad_targets([Mask([0, 1, 1])], grid, classes=2)
