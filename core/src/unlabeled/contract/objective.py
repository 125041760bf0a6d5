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
    """total: () the value that is minimised, equal on all processes to that of the joint batch;
    parts: named terms () for the log; count: where total is a mean over values that do not look at
    one another, over how many of this process. With it batches may be accumulated, and weigh as in
    one; without it `training.accumulate` is refused."""

    total: Tensor
    parts: Mapping[str, Tensor] = field(default_factory=dict)
    count: Tensor | int | None = None


class Objective(Configured):
    """A loss with the parameters and state it owns; never calls an encoder or sees a batch."""

    needs_teacher: ClassVar[bool] = False
    """Whether `forward` takes `teacher`: the teacher encoder's output through the teacher's
    copy of `projector`."""
    smallest_batch: ClassVar[int] = 2
    """The smallest joint batch for which the loss means something."""
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
        the same after the teacher's projector; groups: (N,) ids, equal ids are no negatives.

        Raises ShapeError.
        """

    def after_step(self, step: int, total_steps: int) -> None:
        """Update what the objective owns (prototypes, centre), after each optimiser step."""
