"""A support vector machine with an RBF kernel, the probe of unsupervised graph classification.

Source: the protocol of Sun et al., ICLR 2020, arXiv:1908.01000 (InfoGraph), which GraphMAE
follows: C by 5-fold cross-validation on the training items. Embeddings are not scaled.
The kernel is computed once for all values of C, which gives the results of scikit-learn's `SVC` and
its search in less time; memory grows with the square of the items.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from sklearn.metrics.pairwise import euclidean_distances
from sklearn.model_selection import StratifiedKFold
from sklearn.svm import SVC

from unlabeled.probes import metrics
from unlabeled.settings import Settings

STRENGTHS = [1e-3, 1e-2, 0.1, 1.0, 10.0]
INNER_FOLDS = 5


class SVM(Settings):
    """Classes by a kernel machine; graphs are taken to be independent of each other."""

    task: ClassVar[Literal["classification"]] = "classification"
    metric: ClassVar[str] = "accuracy"

    def predict(
        self,
        train: np.ndarray,
        target: np.ndarray,
        groups: np.ndarray,  # noqa: ARG002
        test: np.ndarray,
    ) -> np.ndarray:
        """train: (N, D); target: (N,) class numbers; test: (M, D). Returns (M, C), one-hot."""
        train, test = train.astype(np.float64), test.astype(np.float64)
        within = euclidean_distances(train, squared=True)
        strength = _chosen(train, within, target)
        machine, gamma = SVC(C=strength, kernel="precomputed"), _gamma(train)
        machine.fit(np.exp(-gamma * within), target)
        across = euclidean_distances(test, train, squared=True)
        classes = np.eye(int(target.max()) + 1)
        predicted: np.ndarray = classes[machine.predict(np.exp(-gamma * across))]
        return predicted

    def score(self, target: np.ndarray, predicted: np.ndarray) -> float:
        """The accuracy. target: (M,) class numbers; predicted: (M, C)."""
        return metrics.accuracy(target, predicted)


def _chosen(values: np.ndarray, distances: np.ndarray, target: np.ndarray) -> float:
    """The best C by cross-validation, of equal ones the smallest; 1 where a class is a single item.

    values: (N, D); distances: (N, N), squared; target: (N,).
    """
    rarest = int(np.bincount(target)[np.unique(target)].min())
    if rarest < 2:
        return 1.0
    scores = []
    for fit, held in StratifiedKFold(min(INNER_FOLDS, rarest)).split(values, target):
        kernel = np.exp(-_gamma(values[fit]) * distances[:, fit])
        machines = [SVC(C=strength, kernel="precomputed") for strength in STRENGTHS]
        found = [each.fit(kernel[fit], target[fit]).predict(kernel[held]) for each in machines]
        scores.append([np.mean(each == target[held]) for each in found])
    return STRENGTHS[int(np.mean(scores, axis=0).argmax())]


def _gamma(values: np.ndarray) -> float:
    """The width of the kernel by scikit-learn's rule `scale`. values: (N, D)."""
    spread = float(values.var())
    return 1 / (values.shape[1] * spread) if spread else 1.0
