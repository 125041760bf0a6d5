"""DirectPred: BYOL whose linear predictor is not trained but set from correlations.

Source: Tian, Chen, Ganguli, ICML 2021, arXiv:2102.06810, and the authors' code.

    F ← ρ F + (1 - ρ) mean_i z_i z_iᵀ       over both views of the joint batch, not centred
    F = Q diag(d) Qᵀ,   p_j = sqrt(max(d_j, 0) / max d) + ε,   W = Q diag(p) Qᵀ
    loss = BYOL's, with q(z) = W z

The first batch sets F. The formula alone is minimal for constant embeddings: what prevents
collapse is the predictor's eigenspace, aligned with that of F, and the slowly moving teacher.
Smallest joint batch: 2, for the batch norm in the projector.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor

from unlabeled.contract import Loss, Objective
from unlabeled.distributed import all_reduce_sum
from unlabeled.heads import mlp
from unlabeled.objectives.byol import byol_loss
from unlabeled.objectives.checks import require_joint_batch, require_teacher, require_views
from unlabeled.settings import Settings


def predictor_from_correlation(correlation: Tensor, eps: float) -> Tensor:
    """W of a symmetric (D, D) correlation F: symmetric, positive definite, same eigenvectors."""
    values, vectors = torch.linalg.eigh(correlation)
    values = values.clamp(min=0)
    largest = values.max().clamp(min=torch.finfo(values.dtype).tiny)
    powers = (values / largest).sqrt() + eps
    weight: Tensor = (vectors * powers) @ vectors.T
    return weight


class DirectPredSettings(Settings):
    rho: float = Field(0.3, ge=0, lt=1, description="share of F kept at each step, ρ")
    eps: float = Field(0.01, gt=0, description="added to the predictor's eigenvalues, ε")
    projector: tuple[int, ...] = Field(
        (512, 128), min_length=1, description="widths of the projector's layers"
    )


class DirectPred(Objective):
    """DirectPred with its projector and closed-form predictor; needs the teacher's projections."""

    settings_type = DirectPredSettings
    settings: DirectPredSettings
    needs_teacher: ClassVar[bool] = True
    smallest_batch: ClassVar[int] = 2
    predictor: Tensor
    correlation: Tensor
    seen: Tensor

    def __init__(self, settings: DirectPredSettings, width: int) -> None:
        super().__init__(settings, width)
        self.projector = mlp((width, *settings.projector))
        out = settings.projector[-1]
        self.register_buffer("predictor", torch.eye(out))
        self.register_buffer("correlation", torch.zeros(out, out))
        self.register_buffer("seen", torch.zeros((), dtype=torch.bool))
        self._sum: Tensor | None = None
        self._count = 0

    def forward(
        self,
        student: Sequence[Tensor],
        teacher: Sequence[Tensor] | None = None,
        *,
        groups: Tensor | None = None,
    ) -> Loss:
        """student: two views (N, D); teacher: the same two views after its projector (N, P)."""
        require_views(student, 2, width=self.width)
        target_a, target_b = require_teacher(teacher, student)
        count = require_joint_batch(student[0], "student[0]", at_least=self.smallest_batch)
        a, b = (self.projector(view) for view in student)
        if self.training:
            self._measure(torch.cat([a, b]), 2 * count)
        predictor = self.predictor.to(a.dtype)
        loss = byol_loss(a @ predictor, target_b) + byol_loss(b @ predictor, target_a)
        return Loss(loss, count=len(a))

    @torch.no_grad()
    def _measure(self, rows: Tensor, count: int) -> None:
        rows = rows.to(self.correlation.dtype)
        # Outside autocast: half precision would lose the small eigenvalues, which the root
        # enlarges.
        with torch.autocast(rows.device.type, enabled=False):
            products = all_reduce_sum(rows.T @ rows)
        self._sum = products if self._sum is None else self._sum + products
        self._count += count

    @torch.no_grad()
    def after_step(self, step: int, total_steps: int) -> None:
        """Move F towards the correlation of the step's batches, and set the predictor from it."""
        if self._sum is None:
            return
        # The first correlation replaces the zeros that F starts with, instead of being mixed with
        # them.
        kept = torch.where(self.seen, self.settings.rho, 0.0)
        self.correlation.copy_(torch.lerp(self._sum / self._count, self.correlation, kept))
        self.seen.fill_(True)
        self.predictor.copy_(predictor_from_correlation(self.correlation, self.settings.eps))
        self._sum, self._count = None, 0
