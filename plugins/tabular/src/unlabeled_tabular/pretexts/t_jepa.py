"""T-JEPA: predict a teacher's tokens of some cells of a row from other cells, without views.

Source: Thimonier et al., T-JEPA: Augmentation-Free Self-Supervised Learning for Tabular Data, ICLR
2025, arXiv:2410.05016. Letters: N rows, C columns, D width, P targets.

    context:  a random share of the columns, and the learned token [REG], always
    targets:  P random sets of the other columns, each drawn by itself; they may overlap
    loss = mean over targets and their cells of ‖prediction - teacher(whole row)[cell]‖² / D

The student sees the context only; the predictor gets its states and the places of one target. The
teacher is the moving average of the student, and what a run exports.

Departs from the authors' code, whose column numbers do not count [REG], so that the last column is
never used and [REG] is drawn like a column, and whose P targets are one and the same. The shares
are drawn for each row and not for each batch. The teacher's momentum rises along half a cosine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from unlabeled.contract import Encoder, Loss, Pretext
from unlabeled.encoders.patches import take_tokens
from unlabeled.encoders.token_transformer import TokenDecoder
from unlabeled.errors import RecipeError
from unlabeled.objectives.latent_regression import latent_regression_loss
from unlabeled.randomness import Draw
from unlabeled.settings import Settings
from unlabeled.teachers import Teacher, TeacherSettings
from unlabeled_tabular.encoders.cells import Cells
from unlabeled_tabular.encoders.ft_transformer import FTTransformer
from unlabeled_tabular.row import Row


class PredictorSettings(Settings):
    """The predictor of the targets."""

    width: int = Field(64, gt=0, description="of its tokens")
    depth: int = Field(2, gt=0, description="transformer blocks")
    heads: int = Field(4, gt=0, description="attention heads; must divide the width")


class TJEPASettings(Settings):
    context: tuple[float, float] = Field(
        (0.2, 0.4), description="smallest and largest share of the columns that the student sees"
    )
    target: tuple[float, float] = Field(
        (0.2, 0.4), description="smallest and largest share of the columns of a target"
    )
    targets: int = Field(4, ge=1, description="targets of a row")
    predictor: PredictorSettings = Field(PredictorSettings(), description="of the targets")
    teacher: TeacherSettings = Field(TeacherSettings(), description="how the teacher follows")

    @model_validator(mode="after")
    def _shares(self) -> TJEPASettings:
        for name in ("context", "target"):
            low, high = getattr(self, name)
            if not 0 < low <= high < 1:
                raise ValueError(
                    f"{name}: expected 0 < smallest ≤ largest < 1, found {low}, {high}"
                )
        return self


@dataclass(slots=True)
class Plan:
    """context: (k,) and targets: (P, t) numbers of columns from 1 on; 0 is the learned token."""

    row: Row
    context: np.ndarray
    targets: np.ndarray


@dataclass(slots=True)
class PlanBatch:
    """context: (N, 1 + K), the learned token first, and targets: (P, N, T); -1 is padding."""

    cells: Cells
    context: Tensor
    targets: Tensor


class TJEPA(Pretext):
    """Student, teacher and predictor."""

    settings_type = TJEPASettings
    settings: TJEPASettings
    encoder: FTTransformer

    def __init__(self, settings: TJEPASettings, encoder: Encoder) -> None:
        """Raises RecipeError for another encoder, or fewer than two columns."""
        if not isinstance(encoder, FTTransformer):
            found = type(encoder).__name__
            raise RecipeError(f"encoder: T-JEPA needs tabular/ft_transformer, found {found}")
        if encoder.columns < 2:
            raise RecipeError(
                f"encoder: T-JEPA predicts columns from others, so it needs 2 or more; found "
                f"{encoder.columns}"
            )
        super().__init__(settings, encoder)
        width, predictor = encoder.settings.width, settings.predictor
        self.predictor = TokenDecoder(
            width, width, width=predictor.width, depth=predictor.depth, heads=predictor.heads
        )
        self.teacher = Teacher(settings.teacher, encoder, nn.Identity())

    @property
    def exported(self) -> Encoder:
        return self.teacher.encoder

    def example(self, sample: Row, draw: Draw) -> Plan:
        rng, count = draw.rng("columns"), self.encoder.columns
        seen = _number(rng, self.settings.context, count, most=count - 1)
        asked = _number(rng, self.settings.target, count, most=count - seen)
        order = 1 + rng.permutation(count)
        rest = order[seen:]
        targets = [rng.permutation(rest)[:asked] for _ in range(self.settings.targets)]
        return Plan(sample, order[:seen], np.stack(targets))

    def collate(self, examples: Sequence[Plan]) -> PlanBatch:
        context = _padded([np.concatenate([[0], plan.context]) for plan in examples])
        count = self.settings.targets
        rows = [plan.targets[number] for number in range(count) for plan in examples]
        targets = _padded(rows).reshape(count, len(examples), -1)
        return PlanBatch(self.encoder.collate([plan.row for plan in examples]), context, targets)

    def forward(self, batch: PlanBatch) -> Loss:
        encoder, count = self.encoder, self.settings.targets
        states = encoder.run(encoder.embed(batch.cells), batch.context)
        targets = batch.targets.flatten(0, 1)  # (P · N, T), target by target
        context, grid = batch.context.repeat(count, 1), (encoder.columns + 1,)
        prediction = self.predictor(states.repeat(count, 1, 1), context, targets, grid)
        with torch.no_grad():
            self.teacher.copy_buffers()
            teacher: FTTransformer = self.teacher.encoder  # type: ignore[assignment]
            taught = teacher.run(teacher.embed(batch.cells))
        wanted = [take_tokens(taught, target) for target in batch.targets]
        asked = (targets >= 0).to(prediction.dtype)
        total = latent_regression_loss(
            prediction, torch.cat(wanted), weight=asked, distance="l2", normalise_target=False
        )
        return Loss(total, count=asked.sum())

    def after_step(self, step: int, total_steps: int) -> None:
        self.teacher.update(step, total_steps)


def _number(
    rng: np.random.Generator, shares: tuple[float, float], columns: int, *, most: int
) -> int:
    """How many columns a share drawn between two is, at least one."""
    return int(np.clip(round(rng.uniform(*shares) * columns), 1, most))


def _padded(rows: Sequence[np.ndarray]) -> Tensor:
    """(N, longest) long, -1 behind the shorter ones."""
    longest = max(map(len, rows))
    filled = [np.pad(row, (0, longest - len(row)), constant_values=-1) for row in rows]
    return torch.from_numpy(np.stack(filled)).long()
