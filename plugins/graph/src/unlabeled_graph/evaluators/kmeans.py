"""Clustering: k-means on embeddings, compared with classes that it has not seen.

Source: the protocol of Tian et al., AAAI 2014, and of the graph autoencoders after it; normalised
mutual information, in [0, 1], with the arithmetic mean of the entropies.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field
from sklearn.cluster import KMeans as Clusters
from sklearn.metrics import normalized_mutual_info_score
from sklearn.preprocessing import StandardScaler

from unlabeled.settings import Settings


class KMeans(Settings):
    """As many clusters as there are classes; the clusters of test items are compared."""

    task: ClassVar[Literal["classification"]] = "classification"
    metric: ClassVar[str] = "nmi"

    starts: int = Field(10, gt=0, description="random starts, of which the tightest counts")
    seed: int = Field(0, ge=0, description="of the starts")

    def predict(
        self,
        train: np.ndarray,
        target: np.ndarray,
        groups: np.ndarray,  # noqa: ARG002
        test: np.ndarray,
    ) -> np.ndarray:
        """train: (N, D); target: (N,), of which only the number of classes is used; test: (M, D).

        Returns the cluster of each test item, one-hot, (M, C).
        """
        count = int(target.max()) + 1
        scaler = StandardScaler().fit(train)
        clusters = Clusters(
            min(len(np.unique(target)), len(train)), n_init=self.starts, random_state=self.seed
        ).fit(scaler.transform(train))
        assigned: np.ndarray = np.eye(count)[clusters.predict(scaler.transform(test))]
        return assigned

    def score(self, target: np.ndarray, predicted: np.ndarray) -> float:
        """The normalised mutual information. target: (M,) class numbers; predicted: (M, C)."""
        return float(normalized_mutual_info_score(target, predicted.argmax(1)))
