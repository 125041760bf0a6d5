"""A support vector machine with a Gaussian kernel: the classical partner of MFCC statistics."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field
from sklearn.svm import SVC

from unlabeled.probes import metrics
from unlabeled.probes.splits import inner_folds
from unlabeled.probes.standardise import standardise
from unlabeled.settings import Settings

STRENGTHS = (1.0, 10.0, 100.0)
"""Values of C; of equally good ones the first is taken."""


class SVM(Settings):
    """On standardised embeddings, kernel width 1 / D; C is chosen within the training groups."""

    task: ClassVar[Literal["classification"]] = "classification"
    metric: Literal["accuracy", "balanced_accuracy"] = Field(
        "accuracy", description="what it is scored by, and C is chosen by"
    )

    def predict(
        self, train: np.ndarray, target: np.ndarray, groups: np.ndarray, test: np.ndarray
    ) -> np.ndarray:
        """train: (N, D); target: (N,) class numbers; groups: (N,); test: (M, D).

        Returns (M, C), one for the class that is chosen and zero for the others.
        """
        classes = int(target.max()) + 1
        scores = [
            [
                self.score(target[held], _fit(train[fit], target[fit], train[held], c, classes))
                for c in STRENGTHS
            ]
            for fit, held in inner_folds(groups)
            if len(np.unique(target[fit])) > 1
        ]
        mean = np.mean(scores, axis=0) if scores else np.zeros(len(STRENGTHS))
        return _fit(train, target, test, STRENGTHS[int(mean.argmax())], classes)

    def score(self, target: np.ndarray, predicted: np.ndarray) -> float:
        """The metric. target: (M,) class numbers; predicted: (M, C)."""
        return metrics.CLASSIFICATION[self.metric](target, predicted)


def _fit(
    train: np.ndarray, target: np.ndarray, test: np.ndarray, c: float, classes: int
) -> np.ndarray:
    a, b = standardise(train, test)
    chosen = SVC(C=c, gamma="auto").fit(a, target).predict(b)
    hot: np.ndarray = np.eye(classes)[chosen]
    return hot
