"""VICReg: variance-invariance-covariance regularisation.

Source: Bardes, Ponce, LeCun, ICLR 2022, arXiv:2105.04906, equations 1 to 6.

    loss = λ mean (a - b)² + μ/2 (v(a) + v(b)) + ν (c(a) + c(b))
    v(z) = mean_j max(0, 1 - sqrt(var(z_j) + 1e-4)),   c(z) = 1/D sum_{i≠j} cov(z)_ij²

Departs from the equations as the authors' code does: the invariance term is also averaged over
D, and the variance term is halved. Variances are unbiased and of the joint batch. Cannot
collapse: a constant column costs 0.99 μ / D. Smallest joint batch: 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field
from torch import Tensor

from unlabeled.contract import Loss, Objective
from unlabeled.distributed import all_reduce_sum, global_mean
from unlabeled.heads import mlp
from unlabeled.objectives.checks import (
    full_precision,
    require_joint_batch,
    require_pair,
    require_views,
)
from unlabeled.objectives.off_diagonal import cross_energy
from unlabeled.settings import Settings


@full_precision
def vicreg_loss(
    a: Tensor,
    b: Tensor,
    *,
    invariance: float = 25.0,
    variance: float = 25.0,
    covariance: float = 1.0,
) -> Loss:
    """Compare two views of the same samples.

    a, b: (N, D), any scale (the loss depends on it). The parts are the three terms with their
    weights λ, μ, ν. Raises ShapeError.
    """
    require_pair(a, b)
    count = require_joint_batch(a, "a", at_least=2)
    spread_a, correlated_a = _spread(a, count)
    spread_b, correlated_b = _spread(b, count)
    parts = {
        "invariance": invariance * global_mean((a - b).square()),
        "variance": variance * (spread_a + spread_b) / 2,
        "covariance": covariance * (correlated_a + correlated_b),
    }
    return Loss(parts["invariance"] + parts["variance"] + parts["covariance"], parts)


def _spread(z: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """v(z) and c(z), () each."""
    # Centred first, then squared: the difference of two raw moments would cancel for large means.
    centred = z - all_reduce_sum(z.sum(dim=0)) / count
    variances = all_reduce_sum(centred.square().sum(dim=0)) / (count - 1)
    # Inside the root, or the gradient at a constant column would be infinite.
    hinge = (1 - (variances + 1e-4).sqrt()).clamp(min=0).mean()
    energy = cross_energy(centred, centred, count) / (count - 1) ** 2
    # The difference of two sums of squares; rounding may lead below 0.
    return hinge, (energy - variances.square().sum()).clamp(min=0) / z.shape[1]


class VICRegSettings(Settings):
    invariance: float = Field(25.0, ge=0, description="weight λ of the distance of views")
    variance: float = Field(25.0, ge=0, description="weight μ of the hinge on deviations")
    covariance: float = Field(1.0, ge=0, description="weight ν of the covariances")
    projector: tuple[int, ...] = Field(
        (8192, 8192, 8192), description="widths of the expander's layers"
    )


class VICReg(Objective):
    """VICReg with its expander, whose last layer has neither norm nor bias."""

    settings_type = VICRegSettings
    settings: VICRegSettings
    smallest_batch: ClassVar[int] = 2

    def __init__(self, settings: VICRegSettings, width: int) -> None:
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
        a, b = (self.projector(view) for view in student)
        weights = self.settings
        return vicreg_loss(
            a,
            b,
            invariance=weights.invariance,
            variance=weights.variance,
            covariance=weights.covariance,
        )
