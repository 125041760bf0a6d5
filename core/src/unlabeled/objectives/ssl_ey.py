"""SSL-EY: canonical correlation analysis as an unconstrained loss (Eckhart-Young).

Source: Chapman, Wells, Lawry Aguila, Unconstrained Stochastic CCA, ICLR 2024, arXiv:2310.01012.

    loss = -2 tr(C) + tr(V V),   C = sum_{i≠j} cov(z_i, z_j),   V = sum_i cov(z_i)

With linear encoders z_i = x_i W_i the minimum is minus the sum of the squared leading canonical
correlations. Covariances in V may be replaced by W_iᵀ W_i in part (ridge) or in full, which
gives partial least squares. Cannot collapse: constant embeddings cost 0, correlated ones less.
Smallest joint batch: 2. The value depends on scale, so the projector ends without a norm.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor

from unlabeled.contract import Loss, Objective
from unlabeled.distributed import all_reduce_sum
from unlabeled.errors import ShapeError
from unlabeled.heads import mlp
from unlabeled.objectives.checks import full_precision, require_joint_batch, require_views
from unlabeled.objectives.off_diagonal import cross_energy
from unlabeled.settings import Settings


@full_precision
def ssl_ey_loss(
    views: Sequence[Tensor], *, ridge: float = 0.0, weights: Sequence[Tensor] = ()
) -> Loss:
    """Compare two or more views of the same samples.

    views: (N, D) each, any scale; parts: `reward`, -2 tr(C), and `penalty`, tr(V V).
    ridge: share in [0, 1] of W_iᵀ W_i in V, where `weights` holds the linear encoders (F_i, D);
    0 is SSL and CCA, 1 is PLS. Raises ShapeError.
    """
    require_views(views, None, "views")
    count = require_joint_batch(views[0], "views[0]", at_least=2)
    centred = [view - all_reduce_sum(view.sum(dim=0)) / count for view in views]
    if ridge and len(weights) != len(views):
        raise ShapeError(
            f"weights: expected {len(views)} linear encoders for a ridge, found {len(weights)}"
        )
    # The sum over all ordered pairs is the square of the sum without the squares.
    energies = sum(view.square().sum() for view in centred)
    shared = all_reduce_sum(sum(centred[1:], centred[0]).square().sum() - energies)
    parts = {
        "reward": -2 * shared / (count - 1),
        "penalty": _penalty(torch.cat(centred), count, len(views), ridge, weights),
    }
    return Loss(parts["reward"] + parts["penalty"], parts)


def _penalty(
    rows: Tensor, count: int, views: int, ridge: float, weights: Sequence[Tensor]
) -> Tensor:
    """tr(V V); rows: the centred views one after the other."""
    # Without a ridge the D × D matrix is not needed, and may be far larger than the batch.
    if ridge == 0:
        return cross_energy(rows, rows, views * count) / (count - 1) ** 2
    covariance = all_reduce_sum(rows.T @ rows) / (count - 1)
    norms = torch.stack([weight.T @ weight for weight in weights]).sum(dim=0)
    return ((1 - ridge) * covariance + ridge * norms).square().sum()


class SSLEYSettings(Settings):
    projector: tuple[int, ...] = Field(
        (8192, 8192, 8192), description="widths of the projector's layers"
    )


class SSLEY(Objective):
    """SSL-EY with its projector, whose last layer has neither norm nor bias."""

    settings_type = SSLEYSettings
    settings: SSLEYSettings
    smallest_batch: ClassVar[int] = 2

    def __init__(self, settings: SSLEYSettings, width: int) -> None:
        super().__init__(settings, width)
        self.projector = mlp((width, *settings.projector), last_bias=False)

    def forward(
        self,
        student: Sequence[Tensor],
        teacher: Sequence[Tensor] | None = None,
        *,
        groups: Tensor | None = None,
    ) -> Loss:
        """student: two or more views (N, D)."""
        require_views(student, None, width=self.width)
        return ssl_ey_loss([self.projector(view) for view in student])
