"""The momentum teacher: a slow copy of the encoder and of the objective's projector."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from unlabeled.contract import Batch, Encoder, Encoding
from unlabeled.settings import Settings


class TeacherSettings(Settings):
    """How the teacher follows the student."""

    momentum: float = Field(0.996, ge=0, le=1, description="share kept at each step, at the start")
    final_momentum: float = Field(1.0, ge=0, le=1, description="share kept at the last step")
    batch_norm: Literal["batch", "running"] = Field(
        "batch",
        description="the teacher's batch norm uses its own batch (BYOL, DINO) or the student's "
        "running statistics",
    )


class Teacher(nn.Module):
    """Exponential moving average of a student; it gives targets and is not trained by gradient.

    - Parameters: teacher = m · teacher + (1 - m) · student after each optimiser step, where m
      rises from `momentum` to `final_momentum` along half a cosine (Grill et al. 2020, BYOL);
      1 is a frozen teacher, 0 a copy of the student.
    - Buffers are not averaged: before each use they are copied from the student, whose running
      statistics follow the data.
    - Always in eval mode, so that its targets have no dropout; only batch norm is in training
      mode when `batch_norm` is "batch".
    - No parameter requires a gradient and everything runs without one.
    """

    def __init__(self, settings: TeacherSettings, encoder: Encoder, projector: nn.Module) -> None:
        """The teacher starts as a copy of `encoder` and `projector`."""
        super().__init__()
        self.settings = settings
        self.encoder = copy.deepcopy(encoder)
        self.projector = copy.deepcopy(projector)
        self.requires_grad_(False)
        # In a tuple, because an attribute would register the student a second time.
        self._student = (encoder, projector)
        self.train(False)

    def train(self, mode: bool = True) -> Teacher:
        """Keep the modes described above; only the student's change."""
        super().train(False)
        if mode and self.settings.batch_norm == "batch":
            for module in self.modules():
                if isinstance(module, _BatchNorm):
                    module.train()
        return self

    @torch.no_grad()
    def encode(self, batch: Batch, output: str) -> Encoding:
        """The teacher encoder's output of that name."""
        self.copy_buffers()
        return self.encoder.encode(batch, output)

    @torch.no_grad()
    def forward(self, batch: Batch, rows: Callable[[Encoding], Tensor] | None = None) -> Tensor:
        """The encoder's default output, after the projector: (N, P), a row per sample or node.

        rows: which vectors are projected; a batch norm there must not see those without data.
        """
        encoding = self.encode(batch, self.encoder.outputs[0].name)
        projected: Tensor = self.projector((rows or _all_rows)(encoding))
        return projected

    def momentum(self, step: int, total_steps: int) -> float:
        """The share kept at `step`, counted from 0 to total_steps - 1."""
        start, end = self.settings.momentum, self.settings.final_momentum
        progress = min(step / max(total_steps - 1, 1), 1.0)
        return end - (end - start) * (1 + math.cos(math.pi * progress)) / 2

    @torch.no_grad()
    def update(self, step: int, total_steps: int) -> None:
        """Follow the student once; call it after each optimiser step."""
        own: list[Tensor] = [*self.encoder.parameters(), *self.projector.parameters()]
        theirs: list[Tensor] = [p for module in self._student for p in module.parameters()]
        if own:
            torch._foreach_lerp_(own, theirs, 1 - self.momentum(step, total_steps))

    @torch.no_grad()
    def copy_buffers(self) -> None:
        """Take the student's buffers; call it before using `encoder` directly."""
        own = [*self.encoder.buffers(), *self.projector.buffers()]
        theirs = [b for module in self._student for b in module.buffers()]
        for mine, student in zip(own, theirs, strict=True):
            mine.copy_(student)


def _all_rows(encoding: Encoding) -> Tensor:
    return encoding if isinstance(encoding, Tensor) else encoding.values
