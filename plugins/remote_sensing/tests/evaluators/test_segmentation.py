import numpy as np
import pytest
from sklearn.linear_model import Ridge

from unlabeled.errors import DataError, ShapeError
from unlabeled_remote_sensing.evaluators.segmentation import (
    Patches,
    _cut,
    _joined,
    _scores,
    accuracy,
    counts,
    f1,
    iou,
    segment,
)


def data(images, seed):
    """Tokens of 8 px that hold the share of the class in each quarter of the patch, and noise."""
    rng = np.random.default_rng(seed)
    masks = np.zeros((images, 32, 32), int)
    for mask in masks:
        row, column = rng.integers(0, 24, 2)
        mask[row : row + 16, column : column + 16] = 1
    quarters = masks.reshape(images, 4, 2, 4, 4, 2, 4).mean(axis=(3, 6)).transpose(0, 1, 3, 2, 4)
    noise = rng.normal(size=(images, 4, 4, 9))
    known = quarters.reshape(images, 4, 4, 4) + 0.05 * noise[..., :4]
    return np.concatenate([known, noise[..., 4:]], axis=-1), list(masks)


def patches(tokens, side=8):
    return [Patches(each, side) for each in tokens]


def scored(train, masks, groups, test, test_masks, classes=2):
    found = segment(patches(train), masks, groups, patches(test), classes)
    pixels = [counts(m, f, classes) for m, f in zip(test_masks, found, strict=True)]
    return iou(sum(pixels))


def test_it_finds_what_tokens_tell_within_the_patch():
    (train, masks), (test, test_masks) = data(40, 0), data(20, 1)
    groups = np.arange(40) // 2
    good = scored(train, masks, groups, test, test_masks)[1]
    shares = [x[..., :4].mean(axis=-1, keepdims=True) for x in (train, test)]
    coarse = scored(shares[0], masks, groups, shares[1], test_masks)[1]
    assert good > 0.8
    assert good > coarse + 0.1


def test_noise_tells_nothing():
    (train, masks), (test, test_masks) = data(40, 0), data(20, 1)
    found = scored(train[..., 4:], masks, np.arange(40), test[..., 4:], test_masks)[1]
    everywhere = iou(sum(counts(m, np.ones_like(m), 2) for m in test_masks))[1]
    assert found <= everywhere + 0.05


def test_several_classes_are_told_apart():
    def quarters(images, seed):
        tokens, masks = data(images, seed)
        for mask in masks:  # the second class is the left half of each square
            mask[:, :16][mask[:, :16] == 1] = 2
        left = np.broadcast_to(np.arange(4) < 2, (images, 4, 4))[..., None]
        return np.concatenate([tokens, tokens[..., :4] * left], axis=-1), masks

    (train, masks), (test, test_masks) = quarters(40, 0), quarters(20, 1)
    found = scored(train, masks, np.arange(40) // 2, test, test_masks, classes=3)
    assert found.shape == (3,)
    assert found.min() > 0.6


def test_it_is_ridge_regression_of_every_pixel():
    (train, masks), (test, _) = data(10, 0), data(3, 1)
    flat = train.reshape(-1, 9)
    mean, std = flat.mean(axis=0), flat.std(axis=0)
    target = np.concatenate([_cut(mask, 8) for mask in masks])
    model = Ridge(alpha=0.1 * len(flat)).fit((flat - mean) / std, target)
    expected = model.predict((test.reshape(-1, 9) - mean) / std)
    (found,) = _scores(patches(train), masks, patches(test), 2, [0.1])
    for number, each in enumerate(found):
        wanted = _joined(expected[16 * number :][:16], (4, 4), 8)
        np.testing.assert_allclose(each, wanted, atol=1e-10)


def test_cutting_is_undone_by_joining():
    mask = np.random.default_rng(0).integers(0, 5, (24, 16))
    np.testing.assert_array_equal(_joined(_cut(mask, 8), (3, 2), 8)[..., 0], mask)
    np.testing.assert_array_equal(_cut(mask, 8)[1].reshape(8, 8), mask[:8, 8:])


def test_scores_by_hand():
    truth = np.array([[0, 0, 1, 1, 2, -1]])
    found = np.array([[0, 1, 1, 1, 1, 3]])
    pixels = counts(truth, found, 4)
    np.testing.assert_array_equal(pixels, [[1, 2, 0, 0], [2, 2, 1, 0], [1, 4, 0, 0]])
    np.testing.assert_allclose(iou(pixels), [1 / 2, 2 / 4, 0, np.nan])
    np.testing.assert_allclose(f1(pixels), [2 / 3, 4 / 6, 0, np.nan])
    assert accuracy(pixels) == 3 / 5
    assert np.isnan(accuracy(0 * pixels))
    assert np.isnan(iou(0 * pixels)).all()


def test_images_of_several_sizes_are_covered_to_their_borders():
    tokens, masks = data(12, 0)
    cut = [mask[:29, :21] for mask in masks[6:]]
    train = patches(tokens[:6]) + patches(tokens[6:, :4, :3])
    found = segment(train, [*masks[:6], *cut], np.arange(12), train[-1:], 2)
    assert [each.shape for each in found] == [(32, 24)]


def test_unequal_numbers_and_broken_patches_are_refused():
    train, masks = data(4, 0)
    with pytest.raises(ShapeError, match="as many images"):
        segment(patches(train), masks[:3], np.arange(4), patches(train), 2)
    with pytest.raises(ShapeError, match="patches of 8 px that cover the mask"):
        segment(patches(train[:, :3]), masks, np.arange(4), patches(train), 2)
    gaps = [np.where(np.arange(32) % 8 == 0, -1, mask) for mask in masks]
    with pytest.raises(DataError, match="no patch of 8 px is labelled in all its pixels"):
        segment(patches(train), gaps, np.arange(4), patches(train), 2)


def test_what_clouds_hide_is_neither_learned_nor_scored():
    (train, masks), (test, test_masks) = data(40, 0), data(20, 1)
    groups = np.arange(40) // 2
    for mask in (*masks[::2], *test_masks):
        mask[:8] = -1
    expected = scored(train, masks, groups, test, test_masks)[1]
    shown = train.copy()
    shown[::2, :1] = 1e6
    test = test.copy()
    test[:, :1] = -1e6
    assert scored(shown, masks, groups, test, test_masks)[1] == expected
    open_ = [np.where(mask < 0, 1, mask) for mask in masks]
    assert scored(shown, open_, groups, test, test_masks)[1] != expected
