"""Multinomial logistic regression on standardised embeddings."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from unlabeled.probes import metrics
from unlabeled.probes.splits import inner_folds
from unlabeled.probes.standardise import standardise
from unlabeled.settings import Settings

STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
"""Values of C, the inverse of the L2 penalty; of equally good ones the first is taken."""


class Logistic(Settings):
    """A linear probe for classes; C is chosen within the training groups.

    Scored by balanced accuracy it is also fitted with all classes weighing alike.
    """

    task: ClassVar[Literal["classification"]] = "classification"
    metric: Literal["accuracy", "balanced_accuracy", "roc_auc", "average_precision"] = Field(
        "accuracy", description="what it is scored by, and C is chosen by"
    )

    def predict(
        self, train: np.ndarray, target: np.ndarray, groups: np.ndarray, test: np.ndarray
    ) -> np.ndarray:
        """train: (N, D); target: (N,) class numbers; groups: (N,); test: (M, D).

        Returns (M, C) probabilities.
        """
        classes, balanced = int(target.max()) + 1, self.metric == "balanced_accuracy"
        scores = [
            [
                self.score(target[held], found)
                for found in path(
                    train[fit], target[fit], train[held], STRENGTHS, classes, balanced=balanced
                )
            ]
            for fit, held in inner_folds(groups)
            if len(np.unique(target[fit])) > 1
        ]
        # A metric that is undefined in a fold counts 0 for every strength and so decides nothing.
        mean = np.nan_to_num(np.array(scores)).mean(0) if scores else np.zeros(len(STRENGTHS))
        best = STRENGTHS[int(mean.argmax())]
        return next(path(train, target, test, [best], classes, balanced=balanced))

    def score(self, target: np.ndarray, predicted: np.ndarray) -> float:
        """The metric. target: (M,) class numbers; predicted: (M, C)."""
        return metrics.CLASSIFICATION[self.metric](target, predicted)


def path(
    train: np.ndarray,
    target: np.ndarray,
    test: np.ndarray,
    strengths: Sequence[float],
    classes: int,
    *,
    balanced: bool = False,
) -> Iterator[np.ndarray]:
    """Probabilities (M, classes) for each C, each fit started from the one before.

    A class that does not occur in `target` has probability 0. balanced: all classes weigh alike,
    however many items they have.
    """
    a, b = standardise(train, test)
    model = LogisticRegression(
        max_iter=500, warm_start=True, class_weight="balanced" if balanced else None
    )
    # Ascending strengths, each fit started from the one before: faster, and the minimum is the
    # same.
    for strength in strengths:
        with warnings.catch_warnings():
            # A fit that ran out of iterations is judged on validation like any other.
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.set_params(C=strength).fit(a, target)
        scores = np.zeros((len(test), classes))
        # Columns by class number, because a fold may lack a class.
        scores[:, model.classes_] = model.predict_proba(b)
        yield scores
