"""k nearest neighbours by cosine similarity, with softmax-weighted votes.

Source: Wu et al. 2018, arXiv:1805.01978, section 3.4: k neighbours, each votes for its class with
exp(similarity / temperature). The votes are divided by their sum here, which leaves the winner as
it is and makes the scores of different items comparable.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field

from unlabeled.probes import metrics
from unlabeled.settings import Settings

LARGEST_BLOCK = 2**24
"""Similarities held at once: 64 MB in float32."""


class KNN(Settings):
    """Nothing is fitted: shows what lies close together in the embedding itself."""

    task: ClassVar[Literal["classification"]] = "classification"
    metric: Literal["accuracy", "balanced_accuracy", "roc_auc", "average_precision"] = Field(
        "accuracy", description="what it is scored by"
    )
    k: int = Field(20, ge=1, description="neighbours that vote; all, if there are fewer")
    temperature: float = Field(0.07, gt=0, description="of the votes; small: the nearest decides")

    def predict(
        self,
        train: np.ndarray,
        target: np.ndarray,
        groups: np.ndarray,  # noqa: ARG002 - nothing is chosen
        test: np.ndarray,
    ) -> np.ndarray:
        """train: (N, D); target: (N,) class numbers; test: (M, D).

        Returns (M, C) shares of the votes.
        """
        bank = F.normalize(torch.as_tensor(train, dtype=torch.float32), dim=1)
        queries = F.normalize(torch.as_tensor(test, dtype=torch.float32), dim=1)
        labels = torch.as_tensor(target, dtype=torch.int64)
        rows = max(1, LARGEST_BLOCK // len(bank))
        return torch.cat(
            [self._vote(part, bank, labels) for part in torch.split(queries, rows)]
        ).numpy()

    def score(self, target: np.ndarray, predicted: np.ndarray) -> float:
        """The metric. target: (M,) class numbers; predicted: (M, C)."""
        return metrics.CLASSIFICATION[self.metric](target, predicted)

    def _vote(
        self, queries: torch.Tensor, bank: torch.Tensor, labels: torch.Tensor
    ) -> torch.Tensor:
        near, index = (queries @ bank.T).topk(min(self.k, len(bank)), dim=1)
        weights = (near / self.temperature).softmax(dim=1)
        votes = weights.new_zeros(len(queries), int(labels.max()) + 1)
        return votes.scatter_add_(1, labels[index], weights)
