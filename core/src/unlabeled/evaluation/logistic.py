"""Multinomial logistic regression on standardised embeddings."""

from __future__ import annotations

import warnings
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field
from sklearn.exceptions import ConvergenceWarning, FitFailedWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from unlabeled.evaluation import metrics
from unlabeled.evaluation.splits import inner_folds
from unlabeled.settings import Settings

STRENGTHS = [1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0]
"""Values of C, the inverse strength of the L2 penalty; of equal ones the first is taken."""


class Logistic(Settings):
    """A linear probe for classes; C is chosen within the training groups."""

    task: ClassVar[Literal["classification"]] = "classification"
    metric: Literal["accuracy", "balanced_accuracy", "roc_auc"] = Field(
        "accuracy", description="what it is scored by, and C is chosen by"
    )

    def predict(
        self, train: np.ndarray, target: np.ndarray, groups: np.ndarray, test: np.ndarray
    ) -> np.ndarray:
        """train: (N, D); target: (N,) class numbers; groups: (N,); test: (M, D).

        Returns (M, C) probabilities.
        """
        classes = int(target.max()) + 1

        def scorer(model: Any, samples: np.ndarray, labels: np.ndarray) -> float:
            return self.score(labels, _probabilities(model, samples, classes))

        search = GridSearchCV(
            make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)),
            {"logisticregression__C": STRENGTHS},
            cv=inner_folds(groups),
            scoring=scorer,
        )
        with warnings.catch_warnings():
            # A fit that was stopped, or lacked a class, is judged on validation like any other.
            for category in (ConvergenceWarning, FitFailedWarning, UserWarning):
                warnings.simplefilter("ignore", category)
            search.fit(train, target)
        return _probabilities(search, test, classes)

    def score(self, target: np.ndarray, predicted: np.ndarray) -> float:
        """The metric. target: (M,) class numbers; predicted: (M, C)."""
        return metrics.CLASSIFICATION[self.metric](target, predicted)


def _probabilities(model: Any, samples: np.ndarray, classes: int) -> np.ndarray:
    """(N, classes): a class that the model never saw has probability 0."""
    scores = np.zeros((len(samples), classes))
    scores[:, model.classes_] = model.predict_proba(samples)
    return scores
