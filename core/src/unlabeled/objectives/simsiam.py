"""SimSiam: BYOL whose teacher is the student itself, behind a stopped gradient.

Source: Chen & He, CVPR 2021, arXiv:2011.10566, equations 1 to 4.

    loss = -1/2 mean_i cos(q(z_a), stop(z_b)) - 1/2 mean_i cos(q(z_b), stop(z_a))

The formula alone is minimal for constant embeddings: what prevents collapse is the stopped
gradient together with the predictor. Smallest joint batch: 2, for the batch norm in the heads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field
from torch import Tensor

from unlabeled.contract import Loss, Objective
from unlabeled.distributed import global_mean
from unlabeled.heads import mlp
from unlabeled.objectives.checks import (
    full_precision,
    require_joint_batch,
    require_pair,
    require_views,
)
from unlabeled.objectives.cosine import cosines
from unlabeled.settings import Settings


@full_precision
def simsiam_loss(prediction: Tensor, target: Tensor) -> Tensor:
    """The mean of -cos over the joint batch, (), in [-1, 1]; one direction.

    prediction, target: (N, D), any scale; no gradient flows into `target`. Raises ShapeError.
    """
    require_pair(prediction, target, names=("prediction", "target"))
    return global_mean(-cosines(prediction, target.detach()))


class SimSiamSettings(Settings):
    projector: tuple[int, ...] = Field(
        (2048, 2048, 2048), min_length=1, description="widths of the projector's layers"
    )
    predictor: int = Field(512, gt=0, description="hidden width of the predictor")


class SimSiam(Objective):
    """SimSiam with its projector, normalised to the last layer, and its bottleneck predictor."""

    settings_type = SimSiamSettings
    settings: SimSiamSettings
    smallest_batch: ClassVar[int] = 2

    def __init__(self, settings: SimSiamSettings, width: int) -> None:
        super().__init__(settings, width)
        self.projector = mlp((width, *settings.projector), last_norm=True)
        out = settings.projector[-1]
        self.predictor = mlp((out, settings.predictor, out))

    def forward(
        self,
        student: Sequence[Tensor],
        teacher: Sequence[Tensor] | None = None,
        *,
        groups: Tensor | None = None,
    ) -> Loss:
        """student: two views (N, D)."""
        require_views(student, 2, width=self.width)
        require_joint_batch(student[0], "student[0]", at_least=self.smallest_batch)
        a, b = (self.projector(view) for view in student)
        # The target is the projection, not the prediction; without `detach` in the loss it
        # collapses.
        first, second = simsiam_loss(self.predictor(a), b), simsiam_loss(self.predictor(b), a)
        return Loss((first + second) / 2, count=len(student[0]))
