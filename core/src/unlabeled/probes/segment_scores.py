"""Scores of labels over segments of time or space, for resamples in which segments come often.

Source: segment-based scores of sound event detection, Mesaros, Heittola and Virtanen 2016, Metrics
for Polyphonic Sound Event Detection, Applied Sciences 6(6), as DCASE uses them: micro-averaged F1
over segments and labels, and average precision of each label.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


class AveragePrecision:
    """Area under the precision-recall curve of one label, in steps, as scikit-learn defines it."""

    def __init__(self, truth: np.ndarray, scores: np.ndarray) -> None:
        """truth: (T,) bool; scores: (T,), higher where the label is likelier."""
        self.order = np.argsort(-scores, kind="stable")
        ranked = scores[self.order]
        self.truth = truth[self.order]
        # Segments of equal score are found together: one step of the curve.
        self.ends = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], [True]))

    def of(self, weights: np.ndarray) -> float:
        """weights: (T,) how often each segment counts. NaN where none has the label."""
        weights = weights[self.order]
        hits = np.cumsum(weights * self.truth)[self.ends]
        seen = np.cumsum(weights)[self.ends]
        if not len(hits) or hits[-1] == 0:
            return float("nan")
        gained = np.diff(hits, prepend=0) / hits[-1]
        return float((gained * hits / np.maximum(seen, 1)).sum())


class SegmentScores:
    """Scores of T segments and C labels on resamples. truth, scores: (T, C), bool and float."""

    def __init__(self, truth: np.ndarray, scores: np.ndarray, threshold: float = 0.5) -> None:
        self.count = len(truth)
        self.labels = [
            AveragePrecision(truth[:, label], scores[:, label]) for label in range(truth.shape[1])
        ]
        found = scores >= threshold
        self.hits = (truth & found).sum(axis=1)
        self.wrong = (truth != found).sum(axis=1)

    def mean_precision(self, positions: np.ndarray) -> float:
        """Mean average precision over the labels that the segments at `positions` (n,) have."""
        each = [label.of(self._weights(positions)) for label in self.labels]
        return _mean(each)

    def precision(self, label: int, positions: np.ndarray) -> float:
        """Average precision of one label. positions: (n,)."""
        return self.labels[label].of(self._weights(positions))

    def f1(self, positions: np.ndarray) -> float:
        """2 TP / (2 TP + FP + FN) over all segments and labels; NaN where nothing is there or
        found. positions: (n,)."""
        hits, wrong = self.hits[positions].sum(), self.wrong[positions].sum()
        return float(2 * hits / (2 * hits + wrong)) if hits + wrong else float("nan")

    def _weights(self, positions: np.ndarray) -> np.ndarray:
        return np.bincount(positions, minlength=self.count)


def _mean(values: Sequence[float]) -> float:
    defined = [value for value in values if not np.isnan(value)]
    return float(np.mean(defined)) if defined else float("nan")
