"""Self-distillation with hidden patches: the student sees a part of the large views and all of the
small ones; the teacher sees the large views whole.

Source: Zhou et al., ICLR 2022, arXiv:2111.07832 (iBOT). Two terms: the objective of the recipe
(such as DINO) compares views, and iBOT's token loss compares the hidden patches with what the
teacher makes of them at the same place. Departs from the paper: hidden patches do not run through
the encoder as mask tokens; a light predictor fills them in, as in a masked autoencoder. A view's
vector is the mean of its tokens, not a class token. A sample that lacks data in one of its views
(`Encoder.present`) takes no part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from unlabeled.augmentations.views import View, ViewBatch, Views
from unlabeled.contract import Batch, Encoder, Loss, Objective, Pretext, Sample
from unlabeled.encoders.token_transformer import TokenDecoder
from unlabeled.errors import RecipeError
from unlabeled.masks.blocks import BlockMask
from unlabeled.masks.planner import Mask
from unlabeled.masks.split import Split, split_tokens
from unlabeled.objectives.ibot import IBOT, IBOTSettings
from unlabeled.pretexts.masked_autoencoder import DecoderSettings
from unlabeled.pretexts.masking import hide, maskable, mean_over_places, taught_tokens
from unlabeled.pretexts.presence import Presence, no_loss
from unlabeled.randomness import Draw
from unlabeled.settings import Settings
from unlabeled.teachers import Teacher, TeacherSettings


class SelfDistillationSettings(Settings):
    large_views: int = Field(2, ge=1, description="the first views: hidden in part, and taught")
    mask: Mask = Field(BlockMask(ratio=0.5, smallest=2, largest=4), description="what is hidden")
    predictor: DecoderSettings = DecoderSettings()
    tokens: IBOTSettings = Field(IBOTSettings(), description="the token loss")
    token_weight: float = Field(1.0, gt=0, description="weight of the token loss")
    teacher: TeacherSettings = Field(TeacherSettings(), description="how the teacher follows")


@dataclass(slots=True)
class Example:
    """views of one sample; valid, hidden: bool, the grids of the large ones."""

    views: list[View]
    valid: list[np.ndarray]
    hidden: list[np.ndarray]


@dataclass(slots=True)
class ExampleBatch:
    views: list[ViewBatch]
    splits: list[Split]


class SelfDistillation(Pretext):
    """Views and hidden patches, both compared with a momentum teacher."""

    settings_type = SelfDistillationSettings
    settings: SelfDistillationSettings
    uses = ("views", "objective")

    def __init__(
        self,
        settings: SelfDistillationSettings,
        encoder: Encoder,
        *,
        views: Views,
        objective: Objective,
    ) -> None:
        """Raises RecipeError if encoder, views or objective do not fit."""
        super().__init__(settings, encoder)
        width = maskable(encoder).token_width
        _require_fit(settings, encoder, views, objective)
        self.views = views
        self.objective = objective
        self.tokens = IBOT(settings.tokens, width)
        self.predictor = TokenDecoder(
            width,
            width,
            width=settings.predictor.width,
            depth=settings.predictor.depth,
            heads=settings.predictor.heads,
        )
        self._compared = False
        projectors = nn.ModuleList([objective.projector, self.tokens.projector])
        self.teacher = Teacher(settings.teacher, encoder, projectors)

    @property
    def smallest_batch(self) -> int:
        return self.objective.smallest_batch

    def example(self, sample: Sample, draw: Draw) -> Example:
        views = self.views.make(sample, draw)
        large = views[: self.settings.large_views]
        valid = [maskable(self.encoder).grid(view.sample) for view in large]
        hidden = [hide(grid, self.settings.mask, draw, f"mask {v}") for v, grid in enumerate(valid)]
        return Example(views, valid, hidden)

    def collate(self, examples: Sequence[Example]) -> ExampleBatch:
        views = self.views.collate([e.views for e in examples], self.encoder.collate)
        splits = [
            split_tokens([e.valid[v] for e in examples], [e.hidden[v] for e in examples])
            for v in range(self.settings.large_views)
        ]
        return ExampleBatch(views, splits)

    def forward(self, batch: ExampleBatch) -> Loss:
        views = self.views.apply(batch.views)
        there = Presence.of(self.encoder, views)
        large = [(view, split, there) for view, split in zip(views, batch.splits, strict=False)]
        predicted, student = zip(*(self._seen(*view) for view in large), strict=True)
        small = [there.take(self.encoder(view)) for view in views[len(large) :]]
        if not there.enough(self.smallest_batch):
            heads = nn.ModuleList([self.objective, self.tokens])
            return there.noted(Loss(no_loss([*predicted, *student, *small], heads)))
        self._compared = True
        targets, teacher = zip(*(self._taught(*view) for view in large), strict=True)
        of_views = self.objective([*student, *small], teacher)
        owner = _owners(batch.splits, there)
        of_tokens = self.tokens([torch.cat(predicted)], [torch.cat(targets)], groups=owner)
        loss = Loss(
            of_views.total + self.settings.token_weight * of_tokens.total,
            {"views": of_views.total, "tokens": of_tokens.total},
        )
        return there.noted(loss)

    def _seen(self, view: Batch, split: Split, there: Presence) -> tuple[Tensor, Tensor]:
        """The student's hidden tokens, (M, D), and its vectors, (N, D), of samples with data."""
        tokens = maskable(self.encoder).encode_visible(view, split.visible)
        predicted = self.predictor(tokens, split.visible, split.hidden, split.grid)
        vectors = mean_over_places(tokens, split.visible)
        return predicted[_asked(split, there)], there.pick(vectors)

    @torch.no_grad()
    def _taught(self, view: Batch, split: Split, there: Presence) -> tuple[Tensor, Tensor]:
        """The teacher's hidden tokens and vectors of samples with data, after its projectors."""
        tokens, vectors = taught_tokens(self.teacher, view, split)
        of_views, of_tokens = cast(nn.ModuleList, self.teacher.projector)
        return of_tokens(tokens[_asked(split, there)]), of_views(there.pick(vectors))

    def after_step(self, step: int, total_steps: int) -> None:
        self.teacher.update(step, total_steps)
        if self._compared:
            self.objective.after_step(step, total_steps)
            self.tokens.after_step(step, total_steps)
        self._compared = False


def _asked(split: Split, there: Presence) -> Tensor:
    """Which hidden tokens count, (N, H) bool."""
    hidden = split.hidden >= 0
    return hidden if there.rows is None else hidden & there.rows[:, None]


def _owners(splits: Sequence[Split], there: Presence) -> Tensor:
    """The view and sample that each hidden token belongs to, (M,)."""
    return torch.cat(
        [
            _asked(split, there).nonzero()[:, 0] + number * split.hidden.shape[0]
            for number, split in enumerate(splits)
        ]
    )


def _require_fit(
    settings: SelfDistillationSettings, encoder: Encoder, views: Views, objective: Objective
) -> None:
    if not objective.needs_teacher:
        raise RecipeError("objective: self-distillation needs one with a teacher, such as dino")
    if len(views) < max(2, settings.large_views):
        raise RecipeError(
            f"views: expected {max(2, settings.large_views)} or more, the first "
            f"{settings.large_views} of them large; found {len(views)}"
        )
    default, width = encoder.outputs[0], maskable(encoder).token_width
    if default.kind != "global" or default.width != width:
        raise RecipeError(
            f"encoder: expected a default output that is the mean of the tokens, of width {width}; "
            f"found {default.name!r}, {default.kind}, of width {default.width}"
        )
