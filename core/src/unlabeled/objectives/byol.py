"""BYOL: predict the teacher's view from the student's other view.

Source: Grill et al., NeurIPS 2020, arXiv:2006.07733, equation 2.

    loss = mean_i (2 - 2 cos(q(z_a), t_b)) + mean_i (2 - 2 cos(q(z_b), t_a)),   t no gradient

q is the predictor, t the projection by the momentum teacher. The formula alone is minimal for
constant embeddings: what prevents collapse is the predictor together with the slowly moving
teacher. Smallest joint batch: 2, for the batch norm in the heads.
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
    require_teacher,
    require_views,
)
from unlabeled.objectives.cosine import cosines
from unlabeled.settings import Settings


@full_precision
def byol_loss(prediction: Tensor, target: Tensor) -> Tensor:
    """The mean of 2 - 2 cos over the joint batch, (), in [0, 4]; one direction.

    prediction, target: (N, D), any scale; no gradient flows into `target`. Raises ShapeError.
    """
    require_pair(prediction, target, names=("prediction", "target"))
    cosine = cosines(prediction, target.detach())
    return global_mean(2 - 2 * cosine)


class BYOLSettings(Settings):
    projector: tuple[int, ...] = Field(
        (4096, 256), min_length=1, description="widths of the projector's layers"
    )
    predictor: int = Field(4096, gt=0, description="hidden width of the predictor")


class BYOL(Objective):
    """BYOL with its projector and predictor; needs the teacher's projections."""

    settings_type = BYOLSettings
    settings: BYOLSettings
    needs_teacher: ClassVar[bool] = True
    smallest_batch: ClassVar[int] = 2

    def __init__(self, settings: BYOLSettings, width: int) -> None:
        super().__init__(settings, width)
        self.projector = mlp((width, *settings.projector))
        out = settings.projector[-1]
        self.predictor = mlp((out, settings.predictor, out))

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
        require_joint_batch(student[0], "student[0]", at_least=self.smallest_batch)
        a, b = (self.predictor(self.projector(view)) for view in student)
        # Crossed: a view never predicts its own projection.
        return Loss(byol_loss(a, target_b) + byol_loss(b, target_a), count=len(a))
