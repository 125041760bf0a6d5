"""Decoupled contrastive learning: NT-Xent without the positive in the denominator.

Source: Yeh, Hong, Hsu, Liu, Chen, LeCun, ECCV 2022, arXiv:2110.06848.

    loss = mean over 2N anchors of  -w_i s_pos / T + log sum_neg exp(s / T)
    DCL:  w_i = 1
    DCLW: w_i = 2 - N exp(s_pos_i / σ) / sum_k exp(s_pos_k / σ)      (no gradient; mean 1)

s is the cosine, the negatives are those of NT-Xent, 2(N - 1) without groups. The loss may be
negative. Cannot collapse: equal embeddings cost log(2N - 2), spread ones less. Smallest joint
batch: 2. An anchor whose group leaves it no negatives is not counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor

from unlabeled.contract import Loss, Objective
from unlabeled.distributed import all_reduce_sum, gather_rows, global_mean
from unlabeled.heads import mlp
from unlabeled.objectives.checks import (
    full_precision,
    require_groups,
    require_joint_batch,
    require_pair,
    require_temperature,
    require_views,
)
from unlabeled.objectives.cosine import row_dots, unit_rows
from unlabeled.objectives.negatives import both_views, sum_of_excesses
from unlabeled.settings import Settings


@full_precision
def dcl_loss(
    a: Tensor,
    b: Tensor,
    *,
    temperature: float = 0.1,
    sigma: float | None = None,
    groups: Tensor | None = None,
) -> Tensor:
    """Compare two views of the same samples, ().

    a, b: (N, D), any scale; sigma: σ of DCLW, None for DCL; groups: (N,) ids, equal ids are no
    negatives of each other. Raises ShapeError.
    """
    require_pair(a, b)
    require_temperature(temperature)
    require_groups(groups, a)
    require_joint_batch(a, "a", at_least=2)
    a, b = unit_rows(a), unit_rows(b)
    cosines = row_dots(a, b).repeat(2)
    positive = cosines / temperature
    if sigma is not None:
        require_temperature(sigma, "sigma")
        # Detached: a weight that learned would be made small instead of the distance.
        positive = positive * von_mises_fisher_weights(cosines.detach(), sigma)
    both, own, ids = both_views(a, b, groups)
    total, counted = sum_of_excesses(
        both, gather_rows(both), positive, temperature, own, ids, decoupled=True
    )
    # Sums and counts are joined, not means: processes may count different numbers of anchors.
    sums = all_reduce_sum(torch.stack([total, counted.sum().to(total.dtype)]))
    return sums[0] / sums[1].clamp(min=1)


def von_mises_fisher_weights(cosines: Tensor, sigma: float) -> Tensor:
    """2 - exp(s_i / σ) / mean_k exp(s_k / σ) over the joint batch: (M,); their mean is 1."""
    # A shift by 1/σ, the largest there is, keeps exp from overflowing.
    likelihood = ((cosines - 1) / sigma).double().exp()
    mean = global_mean(likelihood)
    return (2 - likelihood / mean).to(cosines.dtype)


class DCLSettings(Settings):
    temperature: float = Field(0.1, gt=0, description="temperature T of the cosines")
    sigma: float | None = Field(
        None, gt=0, description="width σ of DCLW's weights (0.5 in the paper); none is DCL"
    )
    projector: tuple[int, ...] = Field((2048, 128), description="widths of the projector's layers")


class DCL(Objective):
    """DCL, or DCLW where `sigma` is set, with a projector."""

    settings_type = DCLSettings
    settings: DCLSettings
    smallest_batch: ClassVar[int] = 2

    def __init__(self, settings: DCLSettings, width: int) -> None:
        super().__init__(settings, width)
        self.projector = mlp((width, *settings.projector))

    def forward(
        self,
        student: Sequence[Tensor],
        teacher: Sequence[Tensor] | None = None,
        *,
        groups: Tensor | None = None,
    ) -> Loss:
        """student: two views (N, D)."""
        require_views(student, 2, width=self.width)
        a, b = (self.projector(view) for view in student)
        options = self.settings
        loss = dcl_loss(a, b, temperature=options.temperature, sigma=options.sigma, groups=groups)
        return Loss(loss)
