"""iBOT: match the teacher's distribution for every masked token.

Source: Zhou et al., ICLR 2022, arXiv:2111.07832, equation 2.

    loss = mean over samples of mean over its masked tokens of  -sum_k P_t,k log P_s,k

with P_t and P_s as in DINO, the student seeing the masked and the teacher the whole sample. What
prevents collapse: the centre and the teacher's lower temperature, together. Smallest batch: one
token on any process.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor

from unlabeled.contract import Loss, Objective
from unlabeled.distributed import global_ratio
from unlabeled.errors import ShapeError
from unlabeled.objectives.checks import (
    full_precision,
    require_groups,
    require_pair,
    require_rows,
    require_temperature,
)
from unlabeled.objectives.dino import DINOSettings, Targets, dino_head, teacher_distribution
from unlabeled.objectives.soft_cross_entropy import soft_cross_entropy


@full_precision
def ibot_loss(
    student: Tensor,
    teacher: Tensor,
    *,
    owner: Tensor,
    center: Tensor,
    teacher_temperature: float | Tensor = 0.04,
    student_temperature: float = 0.1,
) -> Tensor:
    """The mean over the samples, of all processes, that have masked tokens, ().

    student, teacher: (M, K) logits of the masked tokens; owner: (M,) the position
    of each token's sample in this process's batch; center: (K,). Raises ShapeError.
    """
    require_pair(student, teacher, names=("student", "teacher"))
    require_groups(owner, student)
    require_temperature(student_temperature, "student_temperature")
    require_temperature(teacher_temperature, "teacher_temperature")
    target = teacher_distribution(teacher, center, teacher_temperature)
    losses = soft_cross_entropy(student, target, student_temperature)
    # Each sample counts once, however many of its tokens are masked.
    counts = torch.bincount(owner)
    total = torch.dot(losses, counts.to(losses.dtype).reciprocal().index_select(0, owner))
    return global_ratio(total, counts.count_nonzero())


class IBOTSettings(DINOSettings):
    """The head, centre and temperatures are DINO's, with fewer prototypes."""

    prototypes: int = Field(8192, gt=1, description="number of prototypes K")


class IBOT(Objective):
    """iBOT's token loss with its head, centre and teacher temperature."""

    settings_type = IBOTSettings
    settings: IBOTSettings
    needs_teacher: ClassVar[bool] = True
    smallest_batch: ClassVar[int] = 1

    def __init__(self, settings: IBOTSettings, width: int) -> None:
        super().__init__(settings, width)
        self.projector = dino_head(settings, width)
        self.targets = Targets(settings)

    def forward(
        self,
        student: Sequence[Tensor],
        teacher: Sequence[Tensor] | None = None,
        *,
        groups: Tensor | None = None,
    ) -> Loss:
        """student: one tensor (M, D), the masked tokens; teacher: their (M, K) logits; groups:
        (M,) the position of each token's sample in the batch, None for a single sample."""
        if len(student) != 1 or teacher is None or len(teacher) != 1:
            raise ShapeError(
                "student, teacher: expected one tensor of masked tokens each, "
                f"found {len(student)} and {len(teacher or ())}"
            )
        require_rows(student[0], "student[0]", width=self.width)
        owner = groups
        if owner is None:
            owner = torch.zeros(len(student[0]), dtype=torch.int64, device=student[0].device)
        loss = ibot_loss(
            self.projector(student[0]),
            teacher[0],
            owner=owner,
            center=self.targets.center,
            teacher_temperature=self.targets.temperature,
            student_temperature=self.settings.student_temperature,
        )
        if self.training:
            self.targets.observe(teacher)
        return Loss(loss)

    def after_step(self, step: int, total_steps: int) -> None:
        """Move the centre and the teacher's temperature."""
        self.targets.advance(step, total_steps)
