"""Segmentation probe: a linear layer from each frozen token to the pixels of its patch.

As on the segmentation sets of Fuller et al., NeurIPS 2023, arXiv:2311.00566, one layer predicts all
pixels of a patch, so that its detail counts; here it is fitted by ridge regression, in closed form.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field
from sklearn.model_selection import GroupKFold

from unlabeled.errors import ShapeError
from unlabeled.settings import Settings

PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
"""Of standardised tokens, as a share of their number."""
THRESHOLDS = np.linspace(0.2, 0.7, 21)


@dataclass(frozen=True, slots=True)
class Segmentation:
    """iou: over all pixels of all test images; found: (M, H, W) bool."""

    iou: float
    found: np.ndarray


class SegmentationProbe(Settings):
    """One class against the rest. Penalty and threshold are chosen on training groups."""

    metric: ClassVar[Literal["iou"]] = "iou"
    folds: int = Field(3, ge=2, description="of training groups, to choose both")

    def __call__(
        self,
        train: np.ndarray,
        masks: np.ndarray,
        groups: np.ndarray,
        test: np.ndarray,
        test_masks: np.ndarray,
        *,
        valid: np.ndarray | None = None,
        test_valid: np.ndarray | None = None,
    ) -> Segmentation:
        """train: (N, rows, columns, D) tokens; masks: (N, H, W) bool; groups: (N,); test, likewise.

        valid, test_valid: (N, H, W) bool, False where there are no data or clouds hide the ground:
        such pixels do not count, and a patch with any of them is not learned from. Raises
        ShapeError unless tokens have whole square patches of the masks.
        """
        if train.shape[:1] != masks.shape[:1] or test.shape[:1] != test_masks.shape[:1]:
            raise ShapeError(
                f"tokens and masks of as many images, found {train.shape}, {masks.shape}, "
                f"{test.shape} and {test_masks.shape}"
            )
        valid = np.ones(masks.shape, bool) if valid is None else valid
        known = np.ones(test_masks.shape, bool) if test_valid is None else test_valid
        penalty, threshold = self._choose(train, masks, valid, groups)
        (scores,) = _scores(train, masks, valid, test, [penalty])
        found = scores > threshold
        return Segmentation(iou(test_masks[known], found[known]), found)

    def _choose(
        self, train: np.ndarray, masks: np.ndarray, valid: np.ndarray, groups: np.ndarray
    ) -> tuple[float, float]:
        scores = np.zeros((len(PENALTIES), len(THRESHOLDS)))
        count = min(self.folds, len(np.unique(groups)))
        for fit, held in GroupKFold(count).split(train, groups=groups):
            found = _scores(train[fit], masks[fit], valid[fit], train[held], PENALTIES)
            truth, known = masks[held][valid[held]], valid[held]
            scores += [[iou(truth, each[known] > t) for t in THRESHOLDS] for each in found]
        best = np.unravel_index(scores.argmax(), scores.shape)
        return PENALTIES[int(best[0])], float(THRESHOLDS[int(best[1])])


def iou(truth: np.ndarray, found: np.ndarray) -> float:
    """Intersection over union of two masks, any shape; NaN if both are empty."""
    union = (truth | found).sum()
    return float((truth & found).sum() / union) if union else float("nan")


def _scores(
    train: np.ndarray,
    masks: np.ndarray,
    valid: np.ndarray,
    test: np.ndarray,
    penalties: Sequence[float],
) -> list[np.ndarray]:
    """(M, H, W) for each penalty: 1 where the class is, 0 where it is not, about."""
    side = _patch_side(train, masks)
    whole = _cut(valid, side).all(axis=1)
    x = train.reshape(-1, train.shape[-1])[whole].astype(np.float64)
    y = _cut(masks, side)[whole]
    mean, std = x.mean(axis=0), x.std(axis=0)
    std[std == 0] = 1
    x, centre = (x - mean) / std, y.mean(axis=0)
    values, vectors = np.linalg.eigh(x.T @ x / len(x))
    turned = vectors.T @ (x.T @ (y - centre) / len(x))
    shown = (test.reshape(-1, test.shape[-1]) - mean) / std @ vectors
    return [
        _joined(shown @ (turned / (values + penalty)[:, None]) + centre, test.shape[:3], side)
        for penalty in penalties
    ]


def _patch_side(tokens: np.ndarray, masks: np.ndarray) -> int:
    side = int(masks.shape[1] // tokens.shape[1])
    if masks.shape[1:] != (side * tokens.shape[1], side * tokens.shape[2]):
        raise ShapeError(f"whole square patches: found tokens {tokens.shape}, masks {masks.shape}")
    return side


def _cut(masks: np.ndarray, side: int) -> np.ndarray:
    """(N, H, W) -> (tokens, side²)."""
    count, height, width = masks.shape
    cells = masks.reshape(count, height // side, side, width // side, side)
    return cells.transpose(0, 1, 3, 2, 4).reshape(-1, side * side).astype(np.float64)


def _joined(scores: np.ndarray, grid: tuple[int, ...], side: int) -> np.ndarray:
    """The inverse of `_cut`."""
    count, rows, columns = grid
    cells = scores.reshape(count, rows, columns, side, side).transpose(0, 1, 3, 2, 4)
    return cells.reshape(count, rows * side, columns * side)
