import numpy as np
import pytest
from sklearn.linear_model import Ridge

from unlabeled.errors import ShapeError
from unlabeled_remote_sensing.evaluators.segmentation import (
    SegmentationProbe,
    _cut,
    _joined,
    _scores,
    iou,
)


def data(images, seed):
    """Tokens of 8 px that hold the share of the class in each quarter of the patch, and noise."""
    rng = np.random.default_rng(seed)
    masks = np.zeros((images, 32, 32), bool)
    for mask in masks:
        row, column = rng.integers(0, 24, 2)
        mask[row : row + 16, column : column + 16] = True
    quarters = masks.reshape(images, 4, 2, 4, 4, 2, 4).mean(axis=(3, 6)).transpose(0, 1, 3, 2, 4)
    noise = rng.normal(size=(images, 4, 4, 9))
    known = quarters.reshape(images, 4, 4, 4) + 0.05 * noise[..., :4]
    return np.concatenate([known, noise[..., 4:]], axis=-1), masks


def test_it_finds_what_tokens_tell_within_the_patch():
    train, masks = data(40, 0)
    test, test_masks = data(20, 1)
    groups = np.arange(40) // 2
    good = SegmentationProbe()(train, masks, groups, test, test_masks)
    shares = [x[..., :4].mean(axis=-1, keepdims=True) for x in (train, test)]
    coarse = SegmentationProbe()(shares[0], masks, groups, shares[1], test_masks)
    assert good.iou > 0.8
    assert good.iou > coarse.iou + 0.1
    assert good.found.shape == (20, 32, 32)


def test_noise_tells_nothing():
    (train, masks), (test, test_masks) = data(40, 0), data(20, 1)
    probe = SegmentationProbe()
    found = probe(train[..., 4:], masks, np.arange(40), test[..., 4:], test_masks)
    assert found.iou <= iou(test_masks, np.ones_like(test_masks)) + 0.05


def test_it_is_ridge_regression_of_every_pixel():
    (train, masks), (test, _) = data(10, 0), data(3, 1)
    flat = train.reshape(-1, 9)
    mean, std = flat.mean(axis=0), flat.std(axis=0)
    model = Ridge(alpha=0.1 * len(flat)).fit((flat - mean) / std, _cut(masks, 8))
    expected = model.predict((test.reshape(-1, 9) - mean) / std)
    (found,) = _scores(train, masks, np.ones_like(masks), test, [0.1])
    np.testing.assert_allclose(found, _joined(expected, (3, 4, 4), 8), atol=1e-10)


def test_cutting_is_undone_by_joining():
    masks = np.random.default_rng(0).random((2, 24, 16)) > 0.5
    np.testing.assert_array_equal(_joined(_cut(masks, 8), (2, 3, 2), 8), masks)
    np.testing.assert_array_equal(_cut(masks, 8)[1].reshape(8, 8), masks[0, :8, 8:])


def test_iou():
    truth = np.array([True, True, False, False])
    assert iou(truth, np.array([True, False, True, False])) == pytest.approx(1 / 3)
    assert np.isnan(iou(truth & False, truth & False))


def test_unequal_numbers_and_broken_patches_are_refused():
    train, masks = data(4, 0)
    with pytest.raises(ShapeError, match="as many images"):
        SegmentationProbe()(train, masks[:3], np.arange(4), train, masks)
    with pytest.raises(ShapeError, match="whole square patches"):
        SegmentationProbe()(train[:, :3], masks, np.arange(4), train[:, :3], masks)


def test_what_clouds_hide_is_neither_learned_nor_scored():
    (train, masks), (test, test_masks) = data(40, 0), data(20, 1)
    groups = np.arange(40) // 2
    clear = np.ones(masks.shape, bool)
    clear[::2, :8] = False
    test_clear = np.ones(test_masks.shape, bool)
    test_clear[:, :, 24:] = False
    probe = SegmentationProbe()
    expected = probe(train, masks, groups, test, test_masks, valid=clear, test_valid=test_clear)
    hidden, test_hidden = masks | ~clear, test_masks ^ ~test_clear
    found = probe(train, hidden, groups, test, test_hidden, valid=clear, test_valid=test_clear)
    assert found.iou == expected.iou
    assert found.iou != probe(train, hidden, groups, test, test_hidden).iou
