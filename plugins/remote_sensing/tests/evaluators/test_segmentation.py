import numpy as np
import pytest

from unlabeled.errors import ShapeError
from unlabeled_remote_sensing.evaluators.segmentation import SegmentationProbe, iou


def data(images, seed):
    """Tokens of 8 px whose first value is the share of the class in the patch, with noise."""
    rng = np.random.default_rng(seed)
    masks = np.zeros((images, 32, 32), bool)
    for mask in masks:
        row, column = rng.integers(0, 24, 2)
        mask[row : row + 16, column : column + 16] = True
    share = masks.reshape(images, 4, 8, 4, 8).mean(axis=(2, 4))
    noise = rng.normal(size=(images, 4, 4, 5))
    tokens = np.concatenate([share[..., None] + 0.05 * noise[..., :1], noise], axis=-1)
    return tokens, masks


def test_it_finds_what_tokens_tell_and_beats_noise():
    train, masks = data(40, 0)
    test, test_masks = data(20, 1)
    groups = np.arange(40) // 2
    probe = SegmentationProbe()
    good = probe(train, masks, groups, test, test_masks)
    bad = probe(train[..., 1:], masks, groups, test[..., 1:], test_masks)
    assert good.iou > 0.6
    assert good.iou > bad.iou + 0.2
    assert good.probability.shape == (20, 32, 32)


def test_iou():
    truth = np.array([True, True, False, False])
    assert iou(truth, np.array([True, False, True, False])) == pytest.approx(1 / 3)
    assert np.isnan(iou(truth & False, truth & False))


def test_unequal_numbers_of_images_are_refused():
    train, masks = data(4, 0)
    with pytest.raises(ShapeError, match="as many images"):
        SegmentationProbe()(train, masks[:3], np.arange(4), train, masks)
