"""NT-Xent: find the other view of the same sample among the whole batch.

Source: Chen, Kornblith, Norouzi, Hinton, SimCLR, ICML 2020, arXiv:2002.05709, equation 1.

    loss = mean over 2N anchors of  -log( exp(s_pos / T) / (exp(s_pos / T) + sum_neg exp(s / T)) )

s is the cosine; the negatives of an anchor are both views of all other samples of the joint
batch, without those of its own group. Cannot collapse: equal embeddings cost log(2N - 1).
Smallest joint batch: 2. Memory grows with N, not with N².
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field
from torch import Tensor

from unlabeled.contract import Loss, Objective
from unlabeled.distributed import all_reduce_sum, gather_rows
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
def nt_xent_loss(
    a: Tensor, b: Tensor, *, temperature: float = 0.1, groups: Tensor | None = None
) -> Tensor:
    """Compare two views of the same samples; () and at least 0.

    a, b: (N, D), any scale; groups: (N,) ids, equal ids are no negatives of each other.
    Raises ShapeError.
    """
    require_pair(a, b)
    require_temperature(temperature)
    require_groups(groups, a)
    count = require_joint_batch(a, "a", at_least=2)
    a, b = unit_rows(a), unit_rows(b)
    positive = row_dots(a, b).repeat(2) / temperature
    both, own, ids = both_views(a, b, groups)
    total, _ = sum_of_excesses(both, gather_rows(both), positive, temperature, own, ids)
    return all_reduce_sum(total) / (2 * count)


class NTXentSettings(Settings):
    temperature: float = Field(0.1, gt=0, description="temperature T of the cosines")
    projector: tuple[int, ...] = Field((2048, 128), description="widths of the projector's layers")


class NTXent(Objective):
    """SimCLR's objective with its projector."""

    settings_type = NTXentSettings
    settings: NTXentSettings
    smallest_batch: ClassVar[int] = 2

    def __init__(self, settings: NTXentSettings, width: int) -> None:
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
        return Loss(nt_xent_loss(a, b, temperature=self.settings.temperature, groups=groups))
