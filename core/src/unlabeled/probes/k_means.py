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
        model = Clusters(min(classes, len(a)), n_init=self.starts, random_state=0).fit(a)
        together = np.zeros((classes, classes))
        np.add.at(together, (model.labels_, target), 1)
        _, name = linear_sum_assignment(together, maximize=True)
        return np.asarray(np.eye(classes)[name[model.predict(b)]])

    def score(self, target: np.ndarray, predicted: np.ndarray) -> float:
        """The metric. target: (M,) class numbers; predicted: (M, C)."""
        return metrics.CLASSIFICATION[self.metric](target, predicted)
