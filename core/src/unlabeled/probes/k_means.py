"""K-means: do the clusters of an embedding, found without labels, agree with the classes?

As in Fuller et al., NeurIPS 2023, arXiv:2311.00566: as many clusters as classes, each cluster given
to one class, so that as many training items as possible are right (Kuhn 1955). Mutual information
does not depend on these names (Tian et al., AAAI 2014).
"""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field
from scipy.optimize import linear_sum_assignment
from sklearn.cluster import KMeans as Clusters

from unlabeled.probes import metrics
from unlabeled.probes.standardise import standardise
from unlabeled.settings import Settings


def cluster(vectors: np.ndarray, count: int, starts: int, seed: int = 0) -> Clusters:
    """k-means of vectors (N, D): a fitted model with `labels_` (N,) and `predict`.

    starts: random ones, of which the tightest is kept.
    """
    return Clusters(count, n_init=starts, random_state=seed).fit(vectors)


class KMeans(Settings):
    """Labels only name the clusters; the clusters themselves are those of the training items."""

    task: ClassVar[Literal["classification"]] = "classification"
    metric: Literal["accuracy", "balanced_accuracy", "nmi"] = Field(
        "accuracy", description="what it is scored by"
    )
    starts: int = Field(10, ge=1, description="random starts, of which the tightest is kept")

    def predict(
        self,
        train: np.ndarray,
        target: np.ndarray,
        groups: np.ndarray,  # noqa: ARG002 - nothing is chosen
        test: np.ndarray,
    ) -> np.ndarray:
        """train: (N, D); target: (N,) class numbers; test: (M, D).

        Returns (M, C): 1 for the class of an item's cluster, 0 for the others.
        """
        classes = int(target.max()) + 1
        a, b = standardise(train, test)
        model = cluster(a, min(classes, len(a)), self.starts)
        together = np.zeros((classes, classes))
        np.add.at(together, (model.labels_, target), 1)
        _, name = linear_sum_assignment(together, maximize=True)
        return np.asarray(np.eye(classes)[name[model.predict(b)]])

    def score(self, target: np.ndarray, predicted: np.ndarray) -> float:
        """The metric. target: (M,) class numbers; predicted: (M, C)."""
        return metrics.CLASSIFICATION[self.metric](target, predicted)
