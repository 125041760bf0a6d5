"""Barlow Twins: make the cross-correlation of two views the identity.

Source: Zbontar, Jing, Misra, LeCun, Deny, ICML 2021, arXiv:2103.03230, equations 1 and 2.

    C = norm(a)ᵀ norm(b) / N          norm: zero mean, unit variance per column over the batch
    loss = sum_i (C_ii - 1)² + λ sum_{i≠j} C_ij²

Cannot collapse: a constant column has C_ii = 0 and costs 1. Smallest joint batch: 2.
Statistics are those of the joint batch over all processes, as in the authors' code.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field
from torch import Tensor

from unlabeled.contract import Loss, Objective
from unlabeled.distributed import all_reduce_sum, batch_standardise
from unlabeled.heads import mlp
from unlabeled.objectives.checks import (
    full_precision,
    require_joint_batch,
    require_pair,
    require_views,
)
from unlabeled.objectives.off_diagonal import cross_energy, gram_is_cheaper
from unlabeled.settings import Settings


@full_precision
def barlow_twins_loss(a: Tensor, b: Tensor, *, off_diagonal: float = 0.0051) -> Loss:
    """Compare two views of the same samples.

    a, b: (N, D), any scale; off_diagonal: λ. The total is () and at least 0; its parts are the
    two sums, λ included. Raises ShapeError.
    """
    require_pair(a, b)
    count = require_joint_batch(a, "a", at_least=2)
    # Standardised over the joint batch, not per process: the loss of two processes is that of one.
    return cross_correlation_loss(
        batch_standardise(a), batch_standardise(b), count, off_diagonal=off_diagonal
    )


def cross_correlation_loss(a: Tensor, b: Tensor, count: int, *, off_diagonal: float) -> Loss:
    """The same for (N, D) that are standardised already; count: the joint batch size."""
    if gram_is_cheaper(count, a.shape[1]):
        diagonal = all_reduce_sum((a * b).sum(dim=0)) / count
        others = cross_energy(a, b, count) / count**2 - diagonal.square().sum()
    else:
        correlation = all_reduce_sum(a.T @ b) / count
        diagonal = correlation.diagonal()
        # In two steps: one float32 sum over D² squares loses digits.
        others = correlation.square().sum(dim=0).sum() - diagonal.square().sum()
    parts = {
        "diagonal": (diagonal - 1).square().sum(),
        # The difference of two sums of squares; rounding may lead below 0.
        "off_diagonal": off_diagonal * others.clamp(min=0),
    }
    return Loss(parts["diagonal"] + parts["off_diagonal"], parts)


class BarlowTwinsSettings(Settings):
    """The authors' values for ImageNet."""

    off_diagonal: float = Field(0.0051, gt=0, description="weight λ of the off-diagonal terms")
    projector: tuple[int, ...] = Field(
        (8192, 8192, 8192), description="widths of the projector's layers"
    )


class BarlowTwins(Objective):
    """Barlow Twins with its projector, whose last layer has neither norm nor bias."""

    settings_type = BarlowTwinsSettings
    settings: BarlowTwinsSettings
    smallest_batch: ClassVar[int] = 2

    def __init__(self, settings: BarlowTwinsSettings, width: int) -> None:
        super().__init__(settings, width)
        self.projector = mlp((width, *settings.projector), last_bias=False)

    def forward(
        self,
        student: Sequence[Tensor],
        teacher: Sequence[Tensor] | None = None,
        *,
        groups: Tensor | None = None,
    ) -> Loss:
        """student: two views (N, D)."""
        require_views(student, 2, width=self.width)
        first, second = (self.projector(view) for view in student)
        return barlow_twins_loss(first, second, off_diagonal=self.settings.off_diagonal)
