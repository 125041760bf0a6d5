"""DINO: match the teacher's distribution over learned prototypes.

Source: Caron et al., ICCV 2021, arXiv:2104.14294, equations 1 to 4.

    P_t = softmax((t - c) / T_t),   P_s = softmax(s / T_s)
    loss = mean over teacher views i, student views v ≠ i, samples of  -sum_k P_t,ik log P_s,vk
    c ← m c + (1 - m) mean of t over views and the joint batch, after each step

What prevents collapse: the centre c keeps one prototype from winning always, and T_t < T_s keeps
the distribution from becoming flat; neither suffices alone. Smallest joint batch: 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from unlabeled.contract import Loss, Objective
from unlabeled.distributed import all_reduce_sum, row_counts
from unlabeled.errors import ShapeError
from unlabeled.heads import Prototypes, mlp
from unlabeled.objectives.checks import (
    full_precision,
    require_joint_batch,
    require_temperature,
    require_views,
)
from unlabeled.objectives.soft_cross_entropy import cross_view_entropy
from unlabeled.settings import Settings


@full_precision
def dino_loss(
    student: Sequence[Tensor],
    teacher: Sequence[Tensor],
    *,
    center: Tensor,
    teacher_temperature: float | Tensor = 0.04,
    student_temperature: float = 0.1,
) -> Tensor:
    """The mean over pairs of different views and samples of the joint batch, ().

    student: (N, K) logits per view; teacher: the same for the first of these views (the global
    crops), no gradient; center: (K,). Raises ShapeError.
    """
    require_views(student, None)
    require_temperature(student_temperature, "student_temperature")
    require_temperature(teacher_temperature, "teacher_temperature")
    _require_teacher_logits(teacher, student)
    targets = [teacher_distribution(t, center, teacher_temperature) for t in teacher]
    return cross_view_entropy(student, targets, student_temperature)


@torch.no_grad()
def teacher_distribution(logits: Tensor, center: Tensor, temperature: float | Tensor) -> Tensor:
    """P_t: centred and sharpened, (N, K), without gradient."""
    return torch.softmax((logits - center).div_(temperature), dim=1)


class DINOSettings(Settings):
    prototypes: int = Field(65536, gt=1, description="number of prototypes K")
    student_temperature: float = Field(0.1, gt=0, description="temperature T_s")
    teacher_temperature: float = Field(0.04, gt=0, description="temperature T_t at the start")
    final_teacher_temperature: float = Field(0.07, gt=0, description="T_t after its warm-up")
    warmup: float = Field(0.1, ge=0, le=1, description="share of all steps in which T_t rises")
    center_momentum: float = Field(0.9, ge=0, lt=1, description="share of the centre kept, m")
    projector: tuple[int, ...] = Field(
        (2048, 2048, 256), description="widths of the projector's layers before the prototypes"
    )


class DINO(Objective):
    """DINO with its head, centre and teacher temperature; needs the teacher's logits."""

    settings_type = DINOSettings
    settings: DINOSettings
    needs_teacher: ClassVar[bool] = True
    smallest_batch: ClassVar[int] = 2

    def __init__(self, settings: DINOSettings, width: int) -> None:
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
        """student: two or more views (N, D); teacher: (N, K) logits of the first of them."""
        require_views(student, None, width=self.width)
        require_joint_batch(student[0], "student[0]", at_least=self.smallest_batch)
        logits = [self.projector(view) for view in student]
        teacher = teacher or []
        loss = dino_loss(
            logits,
            teacher,
            center=self.targets.center,
            teacher_temperature=self.targets.temperature,
            student_temperature=self.settings.student_temperature,
        )
        if self.training:
            self.targets.observe(teacher)
        return Loss(loss, count=len(student[0]))

    def after_step(self, step: int, total_steps: int) -> None:
        """Move the centre and the teacher's temperature."""
        self.targets.advance(step, total_steps)


def dino_head(settings: DINOSettings, width: int) -> nn.Sequential:
    """MLP with GELU and without norms, then cosines with the prototypes: (N, width) -> (N, K)."""
    widths = (width, *settings.projector)
    return nn.Sequential(
        mlp(widths, norm="none", activation=nn.GELU), Prototypes(widths[-1], settings.prototypes)
    )


class Targets(nn.Module):
    """The centre (K,) and the temperature () of the teacher's distribution."""

    center: Tensor
    temperature: Tensor

    def __init__(self, settings: DINOSettings) -> None:
        super().__init__()
        self.settings = settings
        self.register_buffer("center", torch.zeros(settings.prototypes))
        self.register_buffer("temperature", torch.tensor(settings.teacher_temperature))
        self._sum: Tensor | None = None
        self._count = 0

    @torch.no_grad()
    def observe(self, logits: Sequence[Tensor]) -> None:
        """Add the teacher's logits, (M, K) each, of all processes to those since `advance`."""
        sums = [each.sum(dim=0, dtype=self.center.dtype) for each in logits]
        total = sums[0] if len(sums) == 1 else torch.stack(sums).sum(dim=0)
        count = sum(count for each in logits for count in row_counts(each))
        total = all_reduce_sum(total)
        self._sum = total if self._sum is None else self._sum + total
        self._count += count

    @torch.no_grad()
    def advance(self, step: int, total_steps: int) -> None:
        """After optimiser step `step`, counted from 0."""
        # Over all batches since the last step, so that accumulated batches move the centre once.
        if self._sum is not None and self._count:
            mean = self._sum / self._count
            self.center.lerp_(mean, 1 - self.settings.center_momentum)
        self._sum, self._count = None, 0
        options = self.settings
        start, end = options.teacher_temperature, options.final_teacher_temperature
        done = min((step + 1) / max(options.warmup * total_steps, 1), 1.0)
        self.temperature.fill_(start + (end - start) * done)


def _require_teacher_logits(teacher: Sequence[Tensor], student: Sequence[Tensor]) -> None:
    if not 1 <= len(teacher) <= len(student):
        raise ShapeError(f"teacher: expected 1 to {len(student)} views, found {len(teacher)}")
    for number, logits in enumerate(teacher):
        if logits.shape != student[0].shape:
            raise ShapeError(
                f"teacher[{number}]: expected the shape of student[0], "
                f"{tuple(student[0].shape)}, found {tuple(logits.shape)}"
            )
