"""Fit a probe on each split's training items and predict its test items."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from unlabeled.contract import Evaluator
from unlabeled.data.targets import Target
from unlabeled.errors import DataError
from unlabeled.probes.splits import Split


@dataclass(frozen=True, slots=True)
class Predictions:
    """Predictions of a probe for items that it was not trained on.

    predicted: (N,) or (N, C), meaningless where not `tested`; tested: (N,) bool.
    """

    target: Target
    predicted: np.ndarray
    tested: np.ndarray

    def score(self, probe: Evaluator, positions: np.ndarray) -> float:
        """The metric of the tested items at `positions` (n,); NaN if there are none."""
        used = positions[self.tested[positions]]
        if not len(used):
            return float("nan")
        return probe.score(self.target.values[used], self.predicted[used])


def predict(
    probe: Evaluator,
    embedding: np.ndarray,
    target: Target,
    groups: np.ndarray,
    splits: Sequence[Split],
) -> Predictions:
    """Probe one target. embedding: (N, D), NaN where a feature is undefined; groups: (N,).

    Raises DataError if a split's training items cannot fit a probe.
    """
    count = len(embedding)
    shape = (count, len(target.classes)) if target.classes else (count,)
    predicted, tested = np.zeros(shape), np.zeros(count, dtype=bool)
    for split in splits:
        train = split.train[target.known[split.train]]
        test = split.test[target.known[split.test]]
        if not len(test):
            continue
        _require_variety(target, train)
        known, unseen = impute(embedding[train], embedding[test])
        found = probe.predict(known, target.values[train], groups[train], unseen)
        predicted[test] = _widened(found, shape)
        tested[test] = True
    return Predictions(target, predicted, tested)


def impute(train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Replace what is not finite by the mean of the finite training values of its column.

    train: (N, D); test: (M, D). Returns both, changed.
    """
    finite = np.isfinite(train)
    sums = np.where(finite, train, 0).sum(0, dtype=np.float64)
    mean = (sums / finite.sum(0).clip(min=1)).astype(train.dtype)
    return np.where(finite, train, mean), np.where(np.isfinite(test), test, mean)


def _widened(found: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Columns for the classes that training lacked, never above any other score."""
    if len(shape) == 1:
        return found
    missing = shape[1] - found.shape[1]
    return np.pad(found, ((0, 0), (0, missing)), constant_values=found.min())


def _require_variety(target: Target, train: np.ndarray) -> None:
    if target.classes and len(np.unique(target.values[train])) < 2:
        raise DataError(
            f"target {target.name!r}: a split trains on {len(train)} items of fewer than two "
            "classes. Use other folds, or more labels."
        )
    if len(train) < 2:
        raise DataError(f"target {target.name!r}: a split trains on {len(train)} items")
