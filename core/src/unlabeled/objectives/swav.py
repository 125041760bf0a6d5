"""SwAV: predict one view's cluster assignment from another view.

Source: Caron et al., NeurIPS 2020, arXiv:2006.09882, equations 1 to 5.

    s_v = unit(z_v) · unit(prototypes)ᵀ;   q_i = sinkhorn(s_i / ε)   for the first views
    loss = mean over i, v ≠ i, samples of  -sum_k q_ik log softmax(s_v / T)_k

Cannot collapse: Sinkhorn's codes fill all prototypes equally over the joint batch, which
constant embeddings cannot predict. It starts on logarithms, as exp(s / ε) overflows (the authors'
code gives NaN for large scores, also in float64). Smallest joint batch: 2; a batch much smaller
than the number of prototypes makes codes arbitrary.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from unlabeled.contract import Loss, Objective
from unlabeled.distributed import all_reduce_sum, gather_rows
from unlabeled.errors import ShapeError
from unlabeled.heads import mlp
from unlabeled.objectives.checks import (
    full_precision,
    require_joint_batch,
    require_temperature,
    require_views,
)
from unlabeled.objectives.cosine import unit_rows
from unlabeled.objectives.logsumexp import LOG2_E, log2_sum
from unlabeled.objectives.soft_cross_entropy import cross_view_entropy
from unlabeled.settings import Settings


@torch.no_grad()
def sinkhorn(scores: Tensor, *, epsilon: float = 0.05, iterations: int = 3) -> Tensor:
    """Codes that use all K prototypes equally over the joint batch: (N, K), each row sums to 1.

    scores: (N, K), any finite values. Alternates between equal column sums over the rows of all
    processes and rows that sum to 1, `iterations` times.
    """
    logs = scores * (LOG2_E / epsilon)
    # Columns before rows, and rows last: each sample's code must sum to 1 exactly.
    columns = log2_sum(gather_rows(log2_sum(logs, dim=0)[None]), dim=0)
    logs = logs.sub_(columns)
    codes = logs.sub_(log2_sum(logs, dim=1)[:, None]).exp2_()
    # From here on every row and column holds a number of at least 1 / (N K), so nothing that
    # matters can underflow any more, and plain sums do.
    for _ in range(iterations - 1):
        codes /= all_reduce_sum(codes.sum(dim=0))
        codes /= codes.sum(dim=1, keepdim=True)
    return codes


@full_precision
def swav_loss(
    scores: Sequence[Tensor],
    *,
    coded: int = 2,
    temperature: float = 0.1,
    epsilon: float = 0.05,
    iterations: int = 3,
) -> Tensor:
    """The mean over coded views, other views and samples of the joint batch, ().

    scores: (N, K) per view, cosines with the prototypes; coded: how many of the first views give
    codes (the global crops). Raises ShapeError.
    """
    require_views(scores, None, "scores")
    require_temperature(temperature)
    require_temperature(epsilon, "epsilon")
    require_joint_batch(scores[0], "scores[0]", at_least=2)
    if not 1 <= coded <= len(scores):
        raise ShapeError(f"coded: expected 1 to {len(scores)} views, found {coded}")
    codes = [sinkhorn(s, epsilon=epsilon, iterations=iterations) for s in scores[:coded]]
    return cross_view_entropy(scores, codes, temperature)


class SwAVSettings(Settings):
    prototypes: int = Field(3000, gt=1, description="number of prototypes K")
    coded_views: int = Field(2, ge=1, description="how many of the first views give codes")
    temperature: float = Field(0.1, gt=0, description="temperature T of the predictions")
    epsilon: float = Field(0.05, gt=0, description="sharpness ε of the codes")
    iterations: int = Field(3, ge=1, description="Sinkhorn iterations")
    projector: tuple[int, ...] = Field((2048, 128), description="widths of the projector's layers")


class SwAV(Objective):
    """SwAV with its projector and prototypes, which are kept at unit length."""

    settings_type = SwAVSettings
    settings: SwAVSettings
    smallest_batch: ClassVar[int] = 2

    def __init__(self, settings: SwAVSettings, width: int) -> None:
        super().__init__(settings, width)
        self.projector = mlp((width, *settings.projector))
        out = (width, *settings.projector)[-1]
        self.prototypes = nn.Parameter(unit_rows(torch.randn(settings.prototypes, out)))

    def forward(
        self,
        student: Sequence[Tensor],
        teacher: Sequence[Tensor] | None = None,
        *,
        groups: Tensor | None = None,
    ) -> Loss:
        """student: two or more views (N, D), the coded ones first."""
        require_views(student, None, width=self.width)
        options = self.settings
        scores = [unit_rows(self.projector(view)) @ self.prototypes.T for view in student]
        loss = swav_loss(
            scores,
            coded=options.coded_views,
            temperature=options.temperature,
            epsilon=options.epsilon,
            iterations=options.iterations,
        )
        return Loss(loss)

    @torch.no_grad()
    def after_step(self, step: int, total_steps: int) -> None:
        """Scale the prototypes back to unit length."""
        # The optimiser has moved them off the sphere.
        self.prototypes.copy_(unit_rows(self.prototypes))
