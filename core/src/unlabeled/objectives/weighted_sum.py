"""Sums of losses with fixed, scheduled or learned weights, every term logged by name.

    fixed, scheduled:  loss = sum_i w_i L_i,   w_i moving linearly from `weight` to `final`
    learned:           loss = sum_i exp(-u_i) L_i + u_i,   u_i trained

Source of the learned weights: Kendall, Gal, Cipolla, CVPR 2018, arXiv:1705.07115, whose
log-variance is u here, for losses that are not negative.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Self

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from unlabeled.contract import Loss
from unlabeled.errors import ShapeError
from unlabeled.settings import Settings


class TermWeight(Settings):
    """The weight of one term."""

    weight: float = Field(1.0, gt=0, description="weight of the term, at the start")
    final: float | None = Field(
        None, ge=0, description="weight at the last step; none keeps the weight as it is"
    )
    learned: bool = Field(False, description="train the weight, starting at `weight`")

    @model_validator(mode="after")
    def _one_of_the_two(self) -> Self:
        if self.learned and self.final is not None:
            raise ValueError(
                "final: a weight that is learned has no schedule; leave one of them out"
            )
        return self


class WeightedSum(nn.Module):
    """The terms' names and their weights; a pretext calls it with the losses by name."""

    weights: Tensor

    def __init__(self, terms: Mapping[str, TermWeight]) -> None:
        super().__init__()
        self.terms = dict(terms)
        learned = {
            name: nn.Parameter(torch.tensor(-math.log(term.weight)))
            for name, term in self.terms.items()
            if term.learned
        }
        self.log_variances = nn.ParameterDict(learned)
        start = [0.0 if term.learned else term.weight for term in self.terms.values()]
        self.register_buffer("weights", torch.tensor(start, dtype=torch.float32))

    def forward(self, losses: Mapping[str, Loss | Tensor]) -> Loss:
        """losses: one () per term, by name. Parts: each term as `name`, its own parts as
        `name.part`, and learned weights as `name.weight`. Raises ShapeError."""
        if losses.keys() != self.terms.keys():
            raise ShapeError(
                f"losses: expected the terms {sorted(self.terms)}, found {sorted(losses)}"
            )
        parts: dict[str, Tensor] = {}
        for name in self.terms:
            loss = losses[name]
            parts[name] = loss.total if isinstance(loss, Loss) else loss
            if isinstance(loss, Loss):
                parts.update({f"{name}.{part}": each for part, each in loss.parts.items()})
        values = torch.stack([parts[name] for name in self.terms])
        # The weight of a learned term is 0 here: it is added below.
        total = torch.dot(values, self.weights.to(values.dtype))
        for name, log_variance in self.log_variances.items():
            total = total + torch.exp(-log_variance) * parts[name] + log_variance
            parts[f"{name}.weight"] = torch.exp(-log_variance.detach())
        return Loss(total, parts)

    @torch.no_grad()
    def after_step(self, step: int, total_steps: int) -> None:
        """Move the scheduled weights to what they are at step + 1, counted from 0."""
        # At the last step exactly `final`: steps count from 0, so the last one is total - 1.
        done = min((step + 1) / max(total_steps - 1, 1), 1.0)
        for number, term in enumerate(self.terms.values()):
            if term.final is not None:
                self.weights[number] = term.weight + (term.final - term.weight) * done
