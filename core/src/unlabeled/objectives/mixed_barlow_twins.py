"""Mixed Barlow Twins: the embedding of a mixed sample is the mix of the embeddings.

Source: Bandara, De Melo, Patel, 2023, arXiv:2312.02151.

    x_m = s x_a + (1 - s) x_b[π];   C^{xy} = norm(x)ᵀ norm(y) / N
    loss = Barlow Twins(a, b) + w λ ( |C^{ma} - s C^{aa} - (1 - s) C^{b[π]a}|²
                                    + |C^{mb} - s C^{ab} - (1 - s) C^{b[π]b}|² )

Embeddings are scaled to unit length, then standardised over the joint batch; gradients flow
through the targets too. As C is linear in its first argument, each square is that of
(norm(m) - s norm(a) - (1 - s) norm(b)[π])ᵀ norm(·) / N. Departs from the authors' code, which
divides by the unbiased deviation and so cannot reach C_ii = 1. Cannot collapse: a constant
column has C_ii = 0 and costs 1. Smallest joint batch: 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field
from torch import Tensor

from unlabeled.contract import Loss, Objective
from unlabeled.distributed import batch_standardise, gather_rows
from unlabeled.errors import ShapeError
from unlabeled.heads import mlp
from unlabeled.objectives.barlow_twins import cross_correlation_loss
from unlabeled.objectives.checks import (
    full_precision,
    require_joint_batch,
    require_pair,
    require_views,
)
from unlabeled.objectives.cosine import unit_rows
from unlabeled.objectives.off_diagonal import cross_energy
from unlabeled.settings import Settings

EPS = 1e-8
"""Added to variances, which are about 1/D after scaling to unit length."""


@full_precision
def mixed_barlow_twins_loss(
    a: Tensor,
    b: Tensor,
    mixed: Tensor,
    *,
    share: Tensor,
    partner: Tensor,
    off_diagonal: float = 0.0078125,
    mixing: float = 4.0,
) -> Loss:
    """Compare two views and their mix.

    a, b, mixed: (N, D), any scale; share: () or (N,), the share s of view a in the mix, in
    [0, 1]; partner: (N,) int64, π, positions in the joint batch of the samples whose view b was
    mixed in; off_diagonal: λ; mixing: w. Raises ShapeError.
    """
    require_pair(a, b)
    require_pair(a, mixed, names=("a", "mixed"))
    count = require_joint_batch(a, "a", at_least=2)
    if partner.shape != a.shape[:1]:
        raise ShapeError(f"partner: expected ({len(a)},) positions, found {tuple(partner.shape)}")
    a, b, mixed = (batch_standardise(unit_rows(z), EPS) for z in (a, b, mixed))
    share = share.to(a.dtype).reshape(-1, 1)
    residual = mixed - share * a - (1 - share) * gather_rows(b).index_select(0, partner)
    twins = cross_correlation_loss(a, b, count, off_diagonal=off_diagonal)
    energy = cross_energy(residual, a, count) + cross_energy(residual, b, count)
    mix = mixing * off_diagonal * energy / count**2
    return Loss(twins.total + mix, {**twins.parts, "mix": mix})


class MixedBarlowTwinsSettings(Settings):
    off_diagonal: float = Field(0.0078125, gt=0, description="weight λ of the off-diagonal terms")
    mixing: float = Field(4.0, gt=0, description="weight w of the mixed terms, times λ")
    projector: tuple[int, ...] = Field((512, 1024), description="widths of the projector's layers")


class MixedBarlowTwins(Objective):
    """Mixed Barlow Twins with its projector; its pretext mixes the samples and says how."""

    settings_type = MixedBarlowTwinsSettings
    settings: MixedBarlowTwinsSettings
    smallest_batch: ClassVar[int] = 2

    def __init__(self, settings: MixedBarlowTwinsSettings, width: int) -> None:
        super().__init__(settings, width)
        self.projector = mlp((width, *settings.projector))

    def forward(
        self,
        student: Sequence[Tensor],
        teacher: Sequence[Tensor] | None = None,
        *,
        groups: Tensor | None = None,
        share: Tensor | None = None,
        partner: Tensor | None = None,
    ) -> Loss:
        """student: view a, view b and the mix, (N, D) each; share and partner: as above."""
        require_views(student, 3, width=self.width)
        if share is None or partner is None:
            raise ShapeError("share, partner: expected how the third view was mixed, found none")
        a, b, mixed = (self.projector(view) for view in student)
        return mixed_barlow_twins_loss(
            a,
            b,
            mixed,
            share=share,
            partner=partner,
            off_diagonal=self.settings.off_diagonal,
            mixing=self.settings.mixing,
        )
