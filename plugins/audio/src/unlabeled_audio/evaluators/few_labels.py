"""A probe on a handful of labels per class: what an encoder is worth before much is annotated."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from unlabeled.probes import metrics
from unlabeled.probes.logistic import Logistic
from unlabeled.randomness import keyed_rng
from unlabeled.settings import Settings


class FewLabels(Settings):
    """The core's logistic probe, on `per_class` training items of each class.

    Called with 1, 5 and 10 it gives the points of a curve. The items are drawn from all training
    groups and depend on `draw` and their order alone: every embedding is probed on the same ones.
    """

    task: ClassVar[Literal["classification"]] = "classification"
    metric: Literal["accuracy", "balanced_accuracy", "roc_auc", "average_precision"] = Field(
        "accuracy", description="what it is scored by"
    )
    per_class: int = Field(5, ge=1, description="labels of each class; all, if there are fewer")
    draw: int = Field(0, ge=0, description="another number draws other items")

    def predict(
        self, train: np.ndarray, target: np.ndarray, groups: np.ndarray, test: np.ndarray
    ) -> np.ndarray:
        """train: (N, D); target: (N,) class numbers; groups: (N,); test: (M, D).

        Returns (M, C) probabilities.
        """
        drawn = self._drawn(target)
        probe = Logistic(metric=self.metric)
        return probe.predict(train[drawn], target[drawn], groups[drawn], test)

    def score(self, target: np.ndarray, predicted: np.ndarray) -> float:
        """The metric. target: (M,) class numbers; predicted: (M, C)."""
        return metrics.CLASSIFICATION[self.metric](target, predicted)

    def _drawn(self, target: np.ndarray) -> np.ndarray:
        order = keyed_rng("few labels", self.draw).permutation(len(target))
        by_class = (order[target[order] == label] for label in np.unique(target))
        return np.sort(np.concatenate([members[: self.per_class] for members in by_class]))
