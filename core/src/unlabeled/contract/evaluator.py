"""The evaluator: a probe of frozen embeddings."""

from __future__ import annotations

from typing import ClassVar, Literal, Protocol

import numpy as np


class Evaluator(Protocol):
    """A probe: fitted on frozen embeddings of training groups, scored on the others."""

    task: ClassVar[Literal["classification", "regression"]]
    """The targets it takes: class numbers 0 … C - 1 (int64), or values (float64)."""

    @property
    def metric(self) -> str:
        """The name of the metric: accuracy, r2, roc_auc …; higher is better."""

    def predict(
        self, train: np.ndarray, target: np.ndarray, groups: np.ndarray, test: np.ndarray
    ) -> np.ndarray:
        """train: (N, D); target: (N,); groups: (N,), for inner validation; test: (M, D).

        Returns (M,) values, or (M, C) scores with one column per class number up to the largest in
        `target`, for `score`. Hyper-parameters are chosen on `train` alone.
        """

    def score(self, target: np.ndarray, predicted: np.ndarray) -> float:
        """The metric of (M,) targets and predictions of `predict`."""
