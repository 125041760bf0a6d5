"""The linear probe of node classification: softmax regression by Adam on all training nodes.

Source: the protocol of GraphMAE (Hou et al., KDD 2022), after Veličković et al., ICLR 2019 (DGI).
The papers set learning rate, penalty and length for each data set, and many report the epoch that
is best on validation; this evaluator uses the training nodes only.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from torch import Tensor, nn

from unlabeled.probes import metrics
from unlabeled.settings import Settings

STRENGTHS = [1e-4, 1e-3, 1e-2, 0.1, 1.0, 10.0]
"""Values of C that validation chooses from."""


class Linear(Settings):
    """Embeddings are not scaled."""

    task: ClassVar[Literal["classification"]] = "classification"
    metric: ClassVar[str] = "accuracy"

    lr: float = Field(0.01, gt=0, description="learning rate of Adam")
    weight_decay: float = Field(1e-4, ge=0, description="L2 penalty")
    epochs: int = Field(300, gt=0, description="steps, each on all training nodes")
    seed: int = Field(0, ge=0, description="of the first weights")

    def predict(
        self,
        train: np.ndarray,
        target: np.ndarray,
        groups: np.ndarray,  # noqa: ARG002
        test: np.ndarray,
    ) -> np.ndarray:
        """train: (N, D); target: (N,) class numbers; test: (M, D). Returns (M, C) log odds."""
        x, y = torch.from_numpy(train).float(), torch.from_numpy(target)
        for layer in self.epochs_of(x, y, int(target.max()) + 1):
            last = layer
        with torch.no_grad():
            predicted: np.ndarray = last(torch.from_numpy(test).float()).numpy()
        return predicted

    def score(self, target: np.ndarray, predicted: np.ndarray) -> float:
        """The accuracy. target: (M,) class numbers; predicted: (M, C)."""
        return metrics.accuracy(target, predicted)

    def epochs_of(self, x: Tensor, y: Tensor, classes: int) -> Iterator[nn.Linear]:
        """The classifier after each epoch; always the same module. x: (N, D); y: (N,)."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            layer = nn.Linear(x.shape[1], classes)
        optimiser = torch.optim.Adam(layer.parameters(), lr=self.lr, weight_decay=self.weight_decay)
        for _ in range(self.epochs):
            optimiser.zero_grad()
            loss = F.cross_entropy(layer(x), y)
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            yield layer


def published_accuracies(
    probe: Linear, x: Tensor, y: Tensor, parts: tuple[Tensor, Tensor, Tensor]
) -> tuple[float, float]:
    """Accuracy on the test nodes after the last epoch, and after the one that is best on
    validation (of equal ones the latest).

    x: (N, D); y: (N,); parts: node numbers or masks of train, validation and test.
    """
    train, validation, test = parts
    best, at_best, last = -1.0, 0.0, 0.0
    for layer in probe.epochs_of(x[train], y[train], int(y.max()) + 1):
        with torch.no_grad():
            right = layer(x).argmax(1) == y
        found, last = float(right[validation].float().mean()), float(right[test].float().mean())
        if found >= best:
            best, at_best = found, last
    return last, at_best


def validated_accuracy(x: Tensor, y: Tensor, parts: tuple[Tensor, Tensor, Tensor]) -> float:
    """Accuracy on the test nodes of logistic regression on standardised features, whose penalty
    is the best on validation: nothing is set by hand for a data set.

    x: (N, D); y: (N,); parts: node numbers or masks of train, validation and test.
    """
    train, validation, test = (part.numpy() for part in parts)
    scaler = StandardScaler().fit(x[train].numpy())
    values, target = scaler.transform(x.numpy()), y.numpy()

    def fit(strength: float) -> LogisticRegression:
        return LogisticRegression(C=strength, max_iter=1000).fit(values[train], target[train])

    fits = [fit(strength) for strength in STRENGTHS]
    best = max(fits, key=lambda model: model.score(values[validation], target[validation]))
    return float(best.score(values[test], target[test]))
