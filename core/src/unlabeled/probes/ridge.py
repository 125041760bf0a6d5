"""Ridge regression on standardised embeddings, solved for all penalties at once."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from unlabeled.probes import metrics
from unlabeled.probes.splits import inner_folds
from unlabeled.probes.standardise import standardise
from unlabeled.settings import Settings

PENALTIES = np.array([1e5, 1e4, 1e3, 1e2, 10.0, 1.0, 0.1])
"""Weights of the squared norm of the coefficients; of equally good ones the first is taken."""


class Ridge(Settings):
    """A linear probe for quantities; the penalty is chosen within the training groups."""

    task: ClassVar[Literal["regression"]] = "regression"
    metric: ClassVar[str] = "r2"

    def predict(
        self, train: np.ndarray, target: np.ndarray, groups: np.ndarray, test: np.ndarray
    ) -> np.ndarray:
        """train: (N, D); target: (N,) values; groups: (N,); test: (M, D). Returns (M,) values."""
        errors = np.zeros(len(PENALTIES))
        for fit, held in inner_folds(groups):
            found = solve(train[fit], target[fit], train[held], PENALTIES)
            errors += np.square(found - target[held, None]).sum(0)
        # The strongest first: argmin takes the first of equal errors, the more regular one.
        best = PENALTIES[[errors.argmin()]]
        return solve(train, target, test, best)[:, 0]

    def score(self, target: np.ndarray, predicted: np.ndarray) -> float:
        """R². target, predicted: (M,)."""
        return metrics.r2(target, predicted)


def solve(
    train: np.ndarray, target: np.ndarray, test: np.ndarray, penalties: np.ndarray
) -> np.ndarray:
    """Predictions (M, P) for each of (P,) penalties, from one eigendecomposition.

    Of the smaller of the two Gram matrices: with K = A Aᵀ = V diag(e) Vᵀ the predictions are
    B Aᵀ V diag(1 / (e + penalty)) Vᵀ y, and likewise with Aᵀ A where D < N.
    """
    a, b = standardise(train.astype(np.float64), test.astype(np.float64))
    # The mean is not penalised, so it is subtracted here and added again below.
    mean = target.mean()
    if len(a) < a.shape[1]:
        gram, left, right = a @ a.T, b @ a.T, target - mean
    else:
        gram, left, right = a.T @ a, b, a.T @ (target - mean)
    values, vectors = np.linalg.eigh(gram)
    # Rounding makes eigenvalues of a singular matrix slightly negative, which a small penalty
    # would turn into a division by almost zero.
    shrunk = (vectors.T @ right)[:, None] / (values.clip(min=0)[:, None] + penalties)
    found: np.ndarray = left @ vectors @ shrunk + mean
    return found
