"""Segmentation probe: a linear layer on frozen tokens, and IoU of pixels.

A token speaks for all pixels of its patch, so maps are compared at the resolution of pixels: the
scores are stretched bilinearly over the patch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from unlabeled.errors import ShapeError
from unlabeled.settings import Settings

STRENGTHS = (1e-3, 1e-2, 1e-1, 1.0)


@dataclass(frozen=True, slots=True)
class Segmentation:
    """iou: over all pixels of all test images; probability: (M, H, W) of the class."""

    iou: float
    probability: np.ndarray


class SegmentationProbe(Settings):
    """One class against the rest. C and the threshold are chosen on training groups."""

    metric: ClassVar[Literal["iou"]] = "iou"
    folds: int = Field(3, ge=2, description="of training groups, to choose C and the threshold")

    def __call__(
        self,
        train: np.ndarray,
        masks: np.ndarray,
        groups: np.ndarray,
        test: np.ndarray,
        test_masks: np.ndarray,
    ) -> Segmentation:
        """train: (N, rows, columns, D) tokens; masks: (N, H, W) bool; groups: (N,); test, likewise.

        Fitted on each token's share of the class as its weight. Raises ShapeError.
        """
        if train.shape[:1] != masks.shape[:1] or test.shape[:1] != test_masks.shape[:1]:
            raise ShapeError(
                f"tokens and masks of as many images, found {train.shape}, {masks.shape}, "
                f"{test.shape} and {test_masks.shape}"
            )
        strength, threshold = self._choose(train, masks, groups)
        model = _fit(train, masks, strength)
        probability = _predict(model, test, test_masks.shape[1:])
        return Segmentation(iou(test_masks, probability > threshold), probability)

    def _choose(
        self, train: np.ndarray, masks: np.ndarray, groups: np.ndarray
    ) -> tuple[float, float]:
        thresholds = np.linspace(0.2, 0.7, 11)
        scores = np.zeros((len(STRENGTHS), len(thresholds)))
        count = min(self.folds, len(np.unique(groups)))
        for fit, held in GroupKFold(count).split(train, groups=groups):
            for row, strength in enumerate(STRENGTHS):
                model = _fit(train[fit], masks[fit], strength)
                found = _predict(model, train[held], masks.shape[1:])
                scores[row] += [iou(masks[held], found > threshold) for threshold in thresholds]
        best = np.unravel_index(scores.argmax(), scores.shape)
        return STRENGTHS[int(best[0])], float(thresholds[int(best[1])])


def iou(truth: np.ndarray, found: np.ndarray) -> float:
    """Intersection over union of two masks, any shape; NaN if both are empty."""
    union = (truth | found).sum()
    return float((truth & found).sum() / union) if union else float("nan")


def _fit(tokens: np.ndarray, masks: np.ndarray, strength: float) -> Pipeline:
    """Every token counts as both classes, by its share of either."""
    rows, columns, width = tokens.shape[1:]
    share = F.adaptive_avg_pool2d(
        torch.from_numpy(masks[:, None].astype(np.float32)), (rows, columns)
    )
    weight = share.flatten().numpy()
    x = tokens.reshape(-1, width)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=300))
    model.fit(
        np.concatenate([x, x]),
        np.repeat([1, 0], len(x)),
        logisticregression__sample_weight=np.concatenate([weight, 1 - weight]),
    )
    return model


def _predict(model: Pipeline, tokens: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    scores = model.decision_function(tokens.reshape(-1, tokens.shape[-1]))
    maps = torch.from_numpy(scores.reshape(tokens.shape[:3])).unsqueeze(1)
    stretched = F.interpolate(maps, shape, mode="bilinear", align_corners=False)
    return np.asarray(stretched[:, 0].sigmoid().numpy())
