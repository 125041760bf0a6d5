"""Gradient-boosted trees as a probe: the model that tables are usually given to.

Source: Friedman, Annals of Statistics 2001; on histograms as LightGBM, Ke et al., NeurIPS 2017, by
scikit-learn. Grinsztajn et al., NeurIPS 2022, arXiv:2207.08815, show why it is the one to beat.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from unlabeled.probes import metrics
from unlabeled.settings import Settings


class BoostedTreesSettings(Settings):
    iterations: int = Field(100, gt=0, description="trees per class")
    learning_rate: float = Field(0.1, gt=0, description="of each tree")
    seed: int = Field(0, ge=0, description="of the subsamples for quantiles")

    def arguments(self) -> dict[str, object]:
        """Without early stopping, whose random validation rows would ignore groups."""
        return {
            "max_iter": self.iterations,
            "learning_rate": self.learning_rate,
            "random_state": self.seed,
            "early_stopping": False,
        }


class BoostedTrees(BoostedTreesSettings):
    """Classes, scored by accuracy."""

    task: ClassVar[Literal["classification"]] = "classification"
    metric: ClassVar[str] = "accuracy"

    def predict(
        self,
        train: np.ndarray,
        target: np.ndarray,
        groups: np.ndarray,  # noqa: ARG002
        test: np.ndarray,
    ) -> np.ndarray:
        """train: (N, D); target: (N,) class numbers; test: (M, D). Returns (M, C) probabilities, 0
        for a class number that `target` lacks."""
        found = np.zeros((len(test), int(target.max()) + 1))
        present = np.unique(target)
        if len(present) == 1:
            found[:, present] = 1
            return found
        model = HistGradientBoostingClassifier(**self.arguments()).fit(train, target)
        found[:, model.classes_] = model.predict_proba(test)
        return found

    def score(self, target: np.ndarray, predicted: np.ndarray) -> float:
        """The accuracy. target: (M,) class numbers; predicted: (M, C)."""
        return metrics.accuracy(target, predicted)


class BoostedTreesRegression(BoostedTreesSettings):
    """Values, scored by R²."""

    task: ClassVar[Literal["regression"]] = "regression"
    metric: ClassVar[str] = "r2"

    def predict(
        self,
        train: np.ndarray,
        target: np.ndarray,
        groups: np.ndarray,  # noqa: ARG002
        test: np.ndarray,
    ) -> np.ndarray:
        """train: (N, D); target: (N,); test: (M, D). Returns (M,)."""
        model = HistGradientBoostingRegressor(**self.arguments()).fit(train, target)
        found: np.ndarray = model.predict(test)
        return found

    def score(self, target: np.ndarray, predicted: np.ndarray) -> float:
        """R². target, predicted: (M,)."""
        return metrics.r2(target, predicted)
