"""A support vector machine with an RBF kernel, the probe of unsupervised graph classification.

Source: the protocol of Sun et al., ICLR 2020, arXiv:1908.01000 (InfoGraph), which GraphMAE
follows: C by 5-fold cross-validation on the training items. Embeddings are taken as they are.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.svm import SVC

from unlabeled.evaluation import metrics
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
        rarest = int(np.bincount(target)[np.unique(target)].min())
        classes = np.eye(int(target.max()) + 1)
        predicted: np.ndarray
        if rarest < 2:
            predicted = classes[SVC().fit(train, target).predict(test)]
            return predicted
        folds = StratifiedKFold(min(INNER_FOLDS, rarest))
        search = GridSearchCV(SVC(), {"C": STRENGTHS}, cv=folds, scoring="accuracy")
        predicted = classes[search.fit(train, target).predict(test)]
        return predicted

    def score(self, target: np.ndarray, predicted: np.ndarray) -> float:
        """The accuracy. target: (M,) class numbers; predicted: (M, C)."""
        return metrics.accuracy(target, predicted)
