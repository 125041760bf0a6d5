"""Joint embedding: views of one sample get similar embeddings, by any paired objective.

The method that SimCLR, VICReg, Barlow Twins, BYOL, DINO and SwAV share; they differ in the
objective (`unlabeled.objectives`), and modalities differ in views and encoder. Objectives that
compare with a teacher get one. Large (global) views come first, small (local) ones after them.
Where the encoder's default output is its nodes, each node of a graph is a sample of its own: the
method of GRACE, BGRL and CCA-SSG, whose views keep the nodes.

A sample that lacks data in one of its views (`Encoder.present`) takes no part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import Field
from torch import Tensor

from unlabeled.augmentations.views import View, ViewBatch, Views
from unlabeled.contract import Encoder, Encoding, Loss, Objective, Pretext, Sample
from unlabeled.distributed import row_counts
from unlabeled.errors import RecipeError
from unlabeled.objectives.checks import require_joint_batch
from unlabeled.pretexts.negative_groups import (
    NEGATIVES,
    Negatives,
    join_negative_groups,
    negative_group,
)
from unlabeled.pretexts.presence import Presence, no_loss
from unlabeled.randomness import Draw
from unlabeled.settings import Settings
from unlabeled.teachers import Teacher, TeacherSettings


class JointEmbeddingSettings(Settings):
    negatives: Negatives = NEGATIVES
    teacher_views: int | None = Field(
        None, ge=1, description="the teacher sees the first so many views; all if unset"
    )
    teacher: TeacherSettings = Field(
        TeacherSettings(), description="how it follows, if the objective needs one"
    )


@dataclass(slots=True)
class Example:
    views: list[View]
    group: int | None


@dataclass(slots=True)
class ExampleBatch:
    """One batch per view; groups: (N,) int64 or None."""

    views: list[ViewBatch]
    groups: Tensor | None


class JointEmbedding(Pretext):
    """Views → encoder → objective. Needs two views or more, and a default output of vectors: one
    per sample, or one per node."""

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
        """Raises RecipeError if there is one view only, or nothing to compare."""
        super().__init__(settings, encoder)
        if encoder.outputs[0].kind != "nodes":
            require_global_output(encoder)
        elif settings.negatives != "all":
            raise RecipeError(
                "pretext.negatives: all other nodes are negatives; expected all, "
                f"found {settings.negatives}"
            )
        if len(views) < 2:
            raise RecipeError(
                f"views: joint embedding compares views, so it needs 2 or more; found {len(views)}"
            )
        if settings.teacher_views and settings.teacher_views > len(views):
            raise RecipeError(
                f"pretext.teacher_views: expected at most the number of views, {len(views)}, "
                f"found {settings.teacher_views}"
            )
        self.views = views
        self.objective = objective
        self._compared = False
        self.teacher: Teacher | None = None
        if objective.needs_teacher:
            self.teacher = Teacher(settings.teacher, encoder, objective.projector)

    @property
    def smallest_batch(self) -> int:
        # One graph may hold as many nodes as the objective asks for.
        nodes = self.encoder.outputs[0].kind == "nodes"
        return 1 if nodes else self.objective.smallest_batch

    def example(self, sample: Sample, draw: Draw) -> Example:
        return Example(self.views.make(sample, draw), negative_group(draw, self.settings.negatives))

    def collate(self, examples: Sequence[Example]) -> ExampleBatch:
        views = self.views.collate([e.views for e in examples], self.encoder.collate)
        return ExampleBatch(views, join_negative_groups([e.group for e in examples]))

    def forward(self, batch: ExampleBatch) -> Loss:
        views = self.views.apply(batch.views)
        encoded = [self.encoder(view) for view in views]
        smallest = self.objective.smallest_batch
        # Before the teacher, whose batch norm would refuse a lone sample in its own words.
        require_joint_batch(_rows(encoded[0]), "views", at_least=smallest)
        there = Presence.of(self.encoder, views)
        student = [there.take(each) for each in encoded]
        # Of nodes, several per sample, the objective wants so many.
        if there.rows is not None and sum(row_counts(student[0])) < smallest:
            return there.noted(Loss(no_loss(student, self.objective), count=0))
        self._compared = True
        taught = views[: self.settings.teacher_views]
        teacher = [self.teacher(view, there.take) for view in taught] if self.teacher else None
        groups = None if batch.groups is None else there.pick(batch.groups)
        return there.noted(self.objective(student, teacher, groups=groups))

    def after_step(self, step: int, total_steps: int) -> None:
        if self.teacher:
            self.teacher.update(step, total_steps)
        if self._compared:
            self.objective.after_step(step, total_steps)
        self._compared = False


def _rows(encoding: Encoding) -> Tensor:
    """One vector per sample, or per node."""
    return encoding if isinstance(encoding, Tensor) else encoding.values


def require_global_output(encoder: Encoder) -> None:
    """Raises RecipeError unless the encoder's default output is one vector per sample."""
    default = encoder.outputs[0]
    if default.kind != "global":
        raise RecipeError(
            f"encoder: this pretext compares one vector per sample, and the encoder's default "
            f"output {default.name!r} gives {default.kind}. Choose an encoder with pooling."
        )
