"""Joint embedding: views of one sample shall have like embeddings, by any paired objective.

The method that SimCLR, VICReg, Barlow Twins, BYOL and their kin share. What tells them apart is
the objective (`unlabeled.objectives`); what tells the modalities apart is the views and the
encoder. Objectives that compare with a teacher get one.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field
from torch import Tensor

from unlabeled.augmentations.views import View, ViewBatch, Views
from unlabeled.contract import Encoder, Loss, Objective, Pretext, Sample
from unlabeled.errors import RecipeError
from unlabeled.randomness import Draw
from unlabeled.settings import Settings
from unlabeled.teachers import Teacher, TeacherSettings


class JointEmbeddingSettings(Settings):
    """The teacher is only made when the objective needs one."""

    teacher: TeacherSettings = Field(TeacherSettings(), description="how the teacher follows")


class JointEmbedding(Pretext):
    """Views → encoder → objective. Needs two views or more, and a global default output."""

    settings_type = JointEmbeddingSettings
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

    def example(self, sample: Sample, draw: Draw) -> list[View]:
        return self.views.make(sample, draw)

    def collate(self, examples: Sequence[list[View]]) -> list[ViewBatch]:
        return self.views.collate(examples, self.encoder.collate)

    def forward(self, batch: list[ViewBatch]) -> Loss:
        views = self.views.apply(batch)
        student: list[Tensor] = [self.encoder(view) for view in views]
        teacher = [self.teacher(view) for view in views] if self.teacher else None
        loss: Loss = self.objective(student, teacher)
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
