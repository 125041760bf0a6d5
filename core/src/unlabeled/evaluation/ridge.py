"""Ridge regression on standardised embeddings."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from sklearn.linear_model import Ridge as RidgeRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from unlabeled.evaluation import metrics
from unlabeled.evaluation.splits import inner_folds
from unlabeled.settings import Settings

STRENGTHS = [1e5, 1e4, 1e3, 1e2, 10.0, 1.0, 0.1]
"""Values of the L2 penalty; of equal ones the first is taken."""


class Ridge(Settings):
    """A linear probe for quantities; the penalty is chosen within the training groups."""

    task: ClassVar[Literal["regression"]] = "regression"
    metric: ClassVar[str] = "r2"

    def predict(
        self, train: np.ndarray, target: np.ndarray, groups: np.ndarray, test: np.ndarray
    ) -> np.ndarray:
        """train: (N, D); target: (N,) values; groups: (N,); test: (M, D). Returns (M,) values."""
        search = GridSearchCV(
            make_pipeline(StandardScaler(), RidgeRegression()),
            {"ridge__alpha": STRENGTHS},
            cv=inner_folds(groups),
            scoring="neg_mean_squared_error",
        )
        search.fit(train.astype(np.float64), target)
        predicted: np.ndarray = search.predict(test.astype(np.float64))
        return predicted

    def score(self, target: np.ndarray, predicted: np.ndarray) -> float:
        """R². target, predicted: (M,)."""
        return metrics.r2(target, predicted)
