"""Self-distillation with masked tokens: the student sees large views with patches hidden and small
views whole; the teacher sees the large views whole.

Source: Zhou et al., ICLR 2022, arXiv:2111.07832 (iBOT). Two terms: the objective of the recipe
(such as DINO) compares views, and iBOT's token loss compares the hidden patches with what the
teacher makes of them at the same place. Departs from the paper: a view's vector is the mean of its
tokens, not a class token, and every large view has patches hidden.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, cast

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from unlabeled.augmentations.views import View, ViewBatch, Views
from unlabeled.contract import Batch, Encoder, Loss, Objective, Pretext, Sample, Tokens
from unlabeled.encoders.patches import take_tokens
from unlabeled.encoders.token_transformer import mean_of_valid
from unlabeled.errors import RecipeError
from unlabeled.masks.blocks import BlockMask
from unlabeled.masks.planner import Mask
from unlabeled.masks.split import Split, covered, split_tokens
from unlabeled.objectives.ibot import IBOT, IBOTSettings
from unlabeled.pretexts.masking import hide
from unlabeled.randomness import Draw
from unlabeled.settings import Settings
from unlabeled.teachers import Teacher, TeacherSettings


class TokenEncoder(Protocol):
    """What an encoder offers beside the contract, so that tokens can be hidden in place."""

    token_width: int
    """D, also the width of the default output, which is the mean of the tokens."""

    def grid(self, sample: Sample) -> np.ndarray:
        """bool, of the shape of the sample's token grid, False where there are no data."""

    def encode_hidden(
        self, batch: Batch, hidden: Tensor | None = None, mask_token: Tensor | None = None
    ) -> Tokens:
        """All L tokens of the batch's grid, row-major; those in `hidden` (N, L) bool are replaced
        by `mask_token` (D,) before they run."""


class SelfDistillationSettings(Settings):
    large_views: int = Field(2, ge=1, description="the first views: hidden in part, and taught")
    mask: Mask = Field(BlockMask(ratio=0.3, smallest=2, largest=4), description="what is hidden")
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
    """Views and hidden tokens, both compared with a momentum teacher."""

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
        width = token_encoder(encoder).token_width
        _require_fit(settings, encoder, views, objective)
        self.views = views
        self.objective = objective
        self.tokens = IBOT(settings.tokens, width)
        self.mask_token = nn.Parameter(torch.randn(width) * 0.02)
        projectors = nn.ModuleList([objective.projector, self.tokens.projector])
        self.teacher = Teacher(settings.teacher, encoder, projectors)

    @property
    def smallest_batch(self) -> int:
        return self.objective.smallest_batch

    def example(self, sample: Sample, draw: Draw) -> Example:
        views = self.views.make(sample, draw)
        large = views[: self.settings.large_views]
        valid = [token_encoder(self.encoder).grid(view.sample) for view in large]
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
        large, small = views[: self.settings.large_views], views[self.settings.large_views :]
        seen = [self._student(view, split) for view, split in zip(large, batch.splits, strict=True)]
        taught = [self._taught(view) for view in large]
        student = [*map(mean_of_valid, seen), *(cast(Tensor, self.encoder(v)) for v in small)]
        project_view, project_token = cast(nn.ModuleList, self.teacher.projector)
        with torch.no_grad():
            teacher = [project_view(mean_of_valid(tokens)) for tokens in taught]
            targets = project_token(_hidden_tokens(taught, batch.splits)[0])
        of_views = self.objective(student, teacher)
        tokens, owner = _hidden_tokens(seen, batch.splits)
        of_tokens = self.tokens([tokens], [targets], groups=owner)
        return Loss(
            of_views.total + self.settings.token_weight * of_tokens.total,
            {"views": of_views.total, "tokens": of_tokens.total},
        )

    def _student(self, view: Batch, split: Split) -> Tokens:
        hidden = covered(split.hidden, int(np.prod(split.grid)))
        return token_encoder(self.encoder).encode_hidden(view, hidden, self.mask_token)

    @torch.no_grad()
    def _taught(self, view: Batch) -> Tokens:
        self.teacher.copy_buffers()
        return token_encoder(self.teacher.encoder).encode_hidden(view)

    def after_step(self, step: int, total_steps: int) -> None:
        self.teacher.update(step, total_steps)
        self.objective.after_step(step, total_steps)
        self.tokens.after_step(step, total_steps)


def token_encoder(encoder: Encoder) -> TokenEncoder:
    """The encoder, seen as one that can hide tokens. Raises RecipeError if it cannot."""
    needed = ("token_width", "grid", "encode_hidden")
    missing = [name for name in needed if not hasattr(encoder, name)]
    if missing:
        raise RecipeError(
            f"encoder: {type(encoder).__name__} cannot hide tokens: it lacks {', '.join(missing)}."
        )
    return cast(TokenEncoder, encoder)


def _hidden_tokens(views: Sequence[Tokens], splits: Sequence[Split]) -> tuple[Tensor, Tensor]:
    """The hidden tokens of all views, (M, D), and the view and sample that each belongs to."""
    values, owners = [], []
    for number, (tokens, split) in enumerate(zip(views, splits, strict=True)):
        real = split.hidden >= 0
        values.append(take_tokens(tokens.values, split.hidden)[real])
        owners.append(real.nonzero()[:, 0] + number * len(real))
    return torch.cat(values), torch.cat(owners)


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
    default, width = encoder.outputs[0], token_encoder(encoder).token_width
    if default.kind != "global" or default.width != width:
        raise RecipeError(
            f"encoder: expected a default output that is the mean of the tokens, of width {width}; "
            f"found {default.name!r}, {default.kind}, of width {default.width}"
        )
