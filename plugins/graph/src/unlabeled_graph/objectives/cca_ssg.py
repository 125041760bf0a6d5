"""CCA-SSG: views agree, and the columns of each are not correlated.

Source: Zhang et al., NeurIPS 2021, arXiv:2106.12484, equation 5 and the authors' code.

    loss = -Σ_j c(a, b)_jj + λ (‖I - c(a, a)‖² + ‖I - c(b, b)‖²)

c(a, b) = ãᵀ b̃ / N with standardised columns. The authors divide by a deviation that is 0 for a dead
column; here it is kept away from 0. Cannot collapse: a constant column costs λ. Smallest joint
batch: 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from unlabeled.contract import Loss, Objective
from unlabeled.distributed import all_reduce_sum, batch_standardise
from unlabeled.objectives.checks import (
    full_precision,
    require_joint_batch,
    require_pair,
    require_views,
)
from unlabeled.settings import Settings


@full_precision
def cca_ssg_loss(a: Tensor, b: Tensor, *, decorrelation: float = 1e-3) -> Loss:
    """a, b: (N, D), any scale; decorrelation: λ. Parts: the two terms. Raises ShapeError."""
    require_pair(a, b)
    count = require_joint_batch(a, "a", at_least=2)
    a, b = batch_standardise(a), batch_standardise(b)
    identity = torch.eye(a.shape[1], dtype=a.dtype, device=a.device)
    apart = [(identity - all_reduce_sum(z.T @ z) / count).square().sum() for z in (a, b)]
    parts = {
        "invariance": -all_reduce_sum((a * b).sum()) / count,
        "decorrelation": decorrelation * (apart[0] + apart[1]),
    }
    return Loss(parts["invariance"] + parts["decorrelation"], parts)


class CCASSGSettings(Settings):
    decorrelation: float = Field(1e-3, ge=0, description="weight λ of the correlations")


class CCASSG(Objective):
    """CCA-SSG compares the encoder's output itself: it has no projector."""

    settings_type = CCASSGSettings
    settings: CCASSGSettings
    smallest_batch: ClassVar[int] = 2

    def __init__(self, settings: CCASSGSettings, width: int) -> None:
        super().__init__(settings, width)
        self.projector = nn.Identity()

    def forward(
        self,
        student: Sequence[Tensor],
        teacher: Sequence[Tensor] | None = None,
        *,
        groups: Tensor | None = None,
    ) -> Loss:
        """student: two views (N, D)."""
        require_views(student, 2, width=self.width)
        a, b = student
        return cca_ssg_loss(a, b, decorrelation=self.settings.decorrelation)
