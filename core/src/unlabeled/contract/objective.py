"""The objective and its loss."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from torch import Tensor, nn

from unlabeled.contract.configured import Configured
from unlabeled.settings import Settings


@dataclass(slots=True)
class Loss:
    """total: (), the value that is minimised, that of the joint batch on every process; parts:
    named terms () for the log; count: the number of values of this process, if total is a mean over
    values that do not depend on one another. With it `training.accumulate` weighs batches as one
    large batch; without it `training.accumulate` is refused."""

    total: Tensor
    parts: Mapping[str, Tensor] = field(default_factory=dict)
    count: Tensor | int | None = None


class Objective(Configured):
    """A loss with the parameters and state it owns; never calls an encoder or sees a batch."""

    needs_teacher: ClassVar[bool] = False
    """Whether `forward` takes `teacher`: the teacher encoder's output through the teacher's
    copy of `projector`."""
    smallest_batch: ClassVar[int] = 2
    """The smallest joint batch for which the loss is defined."""
    projector: nn.Module

    def __init__(self, settings: Settings, width: int) -> None:
        """width: the encoder's output width D, which `forward` expects."""
        super().__init__()
        self.settings = settings
        self.width = width

    @abstractmethod
    def forward(
        self,
        student: Sequence[Tensor],
        teacher: Sequence[Tensor] | None = None,
        *,
        groups: Tensor | None = None,
    ) -> Loss:
        """student: one (N, D) tensor per view, encoder outputs before the projector; teacher:
        the same after the teacher's projector; groups: (N,) ids; samples with equal ids are not
        negatives of each other.

        Raises ShapeError.
        """

    def after_step(self, step: int, total_steps: int) -> None:
        """Update the state of the objective (prototypes, centre) after each optimiser step."""
