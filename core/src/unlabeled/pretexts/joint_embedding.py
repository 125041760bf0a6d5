"""Joint embedding: views of one sample shall have like embeddings, by any paired objective.

The method that SimCLR, VICReg, Barlow Twins, BYOL and their kin share. What tells them apart is
the objective (`unlabeled.objectives`); what tells the modalities apart is the views and the
encoder. Objectives that compare with a teacher get one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from unlabeled.augmentations.views import View, ViewBatch, Views
from unlabeled.contract import Encoder, Loss, Objective, Pretext, Sample
from unlabeled.errors import RecipeError
from unlabeled.randomness import Draw
from unlabeled.settings import Settings
from unlabeled.teachers import Teacher, TeacherSettings


class JointEmbeddingSettings(Settings):
    negatives: Literal["all", "other_items", "other_groups"] = Field(
        "all",
        description="what a sample is told apart from, by objectives with negatives: every other "
        "sample, those of other items, or those of other groups (patients, speakers, scenes)",
    )
    teacher: TeacherSettings = Field(
        TeacherSettings(), description="how it follows, if the objective needs one"
    )


@dataclass(slots=True)
class Example:
    """One sample. kin: samples with the same number are no negatives of one another."""

    views: list[View]
    kin: int


@dataclass(slots=True)
class ExampleBatch:
    """One batch per view; kin: (N,) int64, None where every other sample is a negative."""

    views: list[ViewBatch]
    kin: Tensor | None


class JointEmbedding(Pretext):
    """Views → encoder → objective. Needs two views or more, and a global default output."""

    settings_type = JointEmbeddingSettings
    settings: JointEmbeddingSettings
    uses = ("views", "objective")

    def __init__(
        self,
        settings: JointEmbeddingSettings,
        encoder: Encoder,
        *,
        views: Views,
        objective: Objective,
    ) -> None:
        """Raises RecipeError if there is one view only, or nothing global to compare."""
        super().__init__(settings, encoder)
        require_global_output(encoder)
        if len(views) < 2:
            raise RecipeError(
                f"views: joint embedding compares views, so it needs 2 or more; found {len(views)}"
            )
        self.views = views
        self.objective = objective
        self.teacher: Teacher | None = None
        if objective.needs_teacher:
            self.teacher = Teacher(settings.teacher, encoder, objective.projector)

    @property
    def smallest_batch(self) -> int:
        return self.objective.smallest_batch

    def example(self, sample: Sample, draw: Draw) -> Example:
        # An item without a group is a group of its own.
        kin = draw.group if self.settings.negatives == "other_groups" and draw.group else draw.item
        return Example(self.views.make(sample, draw), _number(kin))

    def collate(self, examples: Sequence[Example]) -> ExampleBatch:
        views = self.views.collate([e.views for e in examples], self.encoder.collate)
        if self.settings.negatives == "all":
            return ExampleBatch(views, None)
        return ExampleBatch(views, torch.tensor([e.kin for e in examples]))

    def forward(self, batch: ExampleBatch) -> Loss:
        views = self.views.apply(batch.views)
        student: list[Tensor] = [self.encoder(view) for view in views]
        teacher = [self.teacher(view) for view in views] if self.teacher else None
        loss: Loss = self.objective(student, teacher, groups=batch.kin)
        return loss

    def after_step(self, step: int, total_steps: int) -> None:
        if self.teacher:
            self.teacher.update(step, total_steps)
        self.objective.after_step(step, total_steps)


def require_global_output(encoder: Encoder) -> None:
    """Raises RecipeError unless the encoder's default output is one vector per sample."""
    default = encoder.outputs[0]
    if default.kind != "global":
        raise RecipeError(
            f"encoder: this pretext compares one vector per sample, and the encoder's default "
            f"output {default.name!r} gives {default.kind}. Choose an encoder with pooling."
        )


def _number(name: str) -> int:
    """The same number for the same name in every process."""
    digest = hashlib.blake2b(name.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True)
