"""Segmentation probe: a linear layer from each frozen token to the pixels of its patch.

As on the segmentation sets of Fuller et al., NeurIPS 2023, arXiv:2311.00566, one layer predicts all
pixels of a patch, so that its detail counts; here it is fitted by ridge regression, in closed form.

Letters: N images, H W pixels (of each image its own), D width of a token, K classes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from unlabeled.data.dense_target import UNKNOWN
from unlabeled.errors import DataError, ShapeError
from unlabeled.probes.splits import inner_folds
from unlabeled_remote_sensing.evaluators.patches import Patches

PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
"""Of standardised tokens, as a share of their number."""
THRESHOLDS = np.linspace(0.2, 0.7, 21)


def segment(
    train: Sequence[Patches],
    masks: Sequence[np.ndarray],
    groups: np.ndarray,
    test: Sequence[Patches],
    classes: int,
) -> list[np.ndarray]:
    """The class of each pixel that the test images' patches cover, (rows · side, columns · side)
    int64.

    train: N images; masks: theirs, (H, W) class numbers, -1 where unknown: a patch with any such
    pixel is not learned from; groups: (N,). The penalty is chosen on held-out training groups by
    the mean IoU; of two classes also the threshold, by the IoU of the second. Raises ShapeError
    unless patches cover their masks, DataError where no patch can be learned from.
    """
    if len(train) != len(masks):
        raise ShapeError(f"as many images as masks, found {len(train)} and {len(masks)}")
    penalty, threshold = _choose(train, masks, groups, classes)
    (scores,) = _scores(train, masks, test, classes, [penalty])
    return [_classes(each, threshold) for each in scores]


def _choose(
    train: Sequence[Patches], masks: Sequence[np.ndarray], groups: np.ndarray, classes: int
) -> tuple[float, float]:
    thresholds = THRESHOLDS if classes == 2 else THRESHOLDS[:1]
    total = np.zeros((len(PENALTIES), len(thresholds)))
    teach = [_whole(mask, each).any() for mask, each in zip(masks, train, strict=True)]
    for fit, held in inner_folds(groups) if len(groups) > 1 else ():
        if not any(teach[i] for i in fit):
            continue
        truth, shown = [masks[i] for i in held], [train[i] for i in held]
        images, taught = [train[i] for i in fit], [masks[i] for i in fit]
        found = _scores(images, taught, shown, classes, PENALTIES)
        for row, scores in zip(total, found, strict=True):
            known = _known(truth, scores)
            row += [_goodness(*known, t) for t in thresholds]
    best = np.unravel_index(total.argmax(), total.shape)
    return PENALTIES[int(best[0])], float(thresholds[int(best[1])])


def counts(truth: np.ndarray, found: np.ndarray, classes: int) -> np.ndarray:
    """(3, K) pixels of a mask: right, of each class in truth, and as found; unknown ones (-1) do
    not count. truth, found: any shape, the same."""
    known = truth != UNKNOWN
    truth, found = truth[known], found[known]
    parts = (truth[truth == found], truth, found)
    return np.stack([np.bincount(part, minlength=classes) for part in parts])


def iou(pixels: np.ndarray) -> np.ndarray:
    """Intersection over union of each class, (K,), NaN where it is neither there nor found.

    pixels: (3, K), as `counts` gives them, summed over images.
    """
    both, truth, found = pixels
    return _share(both, truth + found - both)


def f1(pixels: np.ndarray) -> np.ndarray:
    """2 · right / (truth + found) of each class, (K,), NaN where it is neither; see `iou`."""
    both, truth, found = pixels
    return _share(2 * both, truth + found)


def accuracy(pixels: np.ndarray) -> float:
    """The share of pixels that are right, NaN of none. pixels: (3, K), see `iou`."""
    return float(_share(pixels[0].sum(), pixels[1].sum()))


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.asarray(np.where(whole > 0, part / np.maximum(whole, 1), np.nan))


def _known(
    truth: Sequence[np.ndarray], scores: Sequence[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """The known pixels of all masks: their classes (n,) and scores (n, outputs)."""
    known = [mask != UNKNOWN for mask in truth]
    shown = [
        each[: where.shape[0], : where.shape[1]][where]
        for each, where in zip(scores, known, strict=True)
    ]
    masks = [mask[where] for mask, where in zip(truth, known, strict=True)]
    return np.concatenate(masks), np.concatenate(shown)


def _goodness(truth: np.ndarray, scores: np.ndarray, threshold: float) -> float:
    """truth: (n,); scores: (n, outputs)."""
    classes = max(2, scores.shape[-1])
    found = iou(counts(truth, _classes(scores, threshold), classes))
    # A class that a fold lacks says nothing about a penalty; NaN would win every argmax.
    found = found[1:] if classes == 2 else found[~np.isnan(found)]
    return float(np.nan_to_num(found).mean()) if len(found) else 0.0


def _classes(scores: np.ndarray, threshold: float) -> np.ndarray:
    """scores: (..., 1), of the second of two classes, or (..., K)."""
    if scores.shape[-1] == 1:
        return (scores[..., 0] > threshold).astype(np.int64)
    return np.asarray(scores.argmax(axis=-1))


def _scores(
    train: Sequence[Patches],
    masks: Sequence[np.ndarray],
    test: Sequence[Patches],
    classes: int,
    penalties: Sequence[float],
) -> Iterator[list[np.ndarray]]:
    """For each penalty, of each test image (H, W, K): 1 where the class is, 0 where it is not,
    about; of two classes the second alone, (H, W, 1)."""
    side = train[0].side
    whole = np.concatenate([_whole(m, each) for m, each in zip(masks, train, strict=True)])
    if not whole.any():
        raise DataError(
            f"segmentation: no patch of {side} px is labelled in all its pixels, so nothing can be "
            "learned. Label more, or use an encoder with smaller patches."
        )
    x = _rows(train)[whole].astype(np.float64)
    y = np.concatenate([_targets(m, each, classes) for m, each in zip(masks, train, strict=True)])
    y = y[whole]
    mean, std = x.mean(axis=0), x.std(axis=0)
    std[std == 0] = 1
    x, centre = (x - mean) / std, y.mean(axis=0)
    values, vectors = np.linalg.eigh(x.T @ x / len(x))
    turned = vectors.T @ (x.T @ (y - centre) / len(x))
    shown = (_rows(test) - mean) / std @ vectors
    ends = np.cumsum([each.values.shape[0] * each.values.shape[1] for each in test])[:-1]
    for penalty in penalties:
        found = shown @ (turned / (values + penalty)[:, None]) + centre
        yield [
            _joined(part, each.values.shape[:2], side)
            for part, each in zip(np.split(found, ends), test, strict=True)
        ]


def _rows(images: Sequence[Patches]) -> np.ndarray:
    return np.concatenate([each.values.reshape(-1, each.values.shape[-1]) for each in images])


def _targets(mask: np.ndarray, patches: Patches, classes: int) -> np.ndarray:
    """(tokens, side² · outputs): 1 where the class is."""
    cells = _cut(_padded(mask, patches), patches.side)
    if classes == 2:
        return np.asarray(cells == 1, np.float64)
    one_hot = np.asarray(cells[..., None] == np.arange(classes), np.float64)
    return one_hot.reshape(len(cells), -1)


def _whole(mask: np.ndarray, patches: Patches) -> np.ndarray:
    """Which patches, (tokens,), are known in all their pixels."""
    return np.asarray((_cut(_padded(mask, patches), patches.side) != UNKNOWN).all(axis=1))


def _padded(mask: np.ndarray, patches: Patches) -> np.ndarray:
    """With unknown pixels where patches reach beyond the image. Raises ShapeError."""
    side, grid = patches.side, patches.values.shape[:2]
    if grid != tuple(-(-length // side) for length in mask.shape):
        raise ShapeError(
            f"patches of {side} px that cover the mask: found {grid} for {mask.shape} px"
        )
    beyond = [(0, cells * side - length) for cells, length in zip(grid, mask.shape, strict=True)]
    return np.pad(mask, beyond, constant_values=UNKNOWN)


def _cut(mask: np.ndarray, side: int) -> np.ndarray:
    """(H, W) -> (tokens, side²)."""
    height, width = mask.shape
    cells = mask.reshape(height // side, side, width // side, side)
    return cells.transpose(0, 2, 1, 3).reshape(-1, side * side)


def _joined(scores: np.ndarray, grid: tuple[int, ...], side: int) -> np.ndarray:
    """(tokens, side² · outputs) -> (H, W, outputs), the inverse of `_cut`."""
    rows, columns = grid
    cells = scores.reshape(rows, columns, side, side, -1).transpose(0, 2, 1, 3, 4)
    return cells.reshape(rows * side, columns * side, -1)
