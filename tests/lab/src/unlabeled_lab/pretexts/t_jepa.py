"""T-JEPA (Thimonier et al. 2024): from some columns, a slow copy's latents of others.

loss = mean over the columns asked for of (predictor(context, place) - teacher(row)[place])²
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from unlabeled.contract import Encoder, Loss, PatchEncoder, Pretext
from unlabeled.distributed import global_mean
from unlabeled.encoders.attention import Blocks
from unlabeled.errors import RecipeError, UnreadableItem
from unlabeled.randomness import Draw
from unlabeled.settings import Settings
from unlabeled.teachers import Teacher, TeacherSettings
from unlabeled_lab.encoders.columns import Rows


class TJEPASettings(Settings):
    context: float = Field(0.5, gt=0, lt=1, description="share of the columns that is seen")
    teacher: TeacherSettings = Field(TeacherSettings(), description="how the teacher follows")


@dataclass
class Asked:
    """seen, asked: (N, K), numbers of columns, -1 is padding."""

    rows: Rows
    seen: Tensor
    asked: Tensor


class TJEPA(Pretext):
    settings_type = TJEPASettings
    settings: TJEPASettings

    def __init__(self, settings: TJEPASettings, encoder: Encoder) -> None:
        if not isinstance(encoder, PatchEncoder):
            raise RecipeError(f"encoder: expected a PatchEncoder, found {type(encoder).__name__}")
        super().__init__(settings, encoder)
        width = encoder.token_width
        self.teacher = Teacher(settings.teacher, encoder, nn.Identity())
        self.asked = nn.Parameter(torch.randn(encoder.settings.columns or 1, width) * 0.02)
        self.blocks = Blocks(width, 1, 2)
        self.prediction = nn.Linear(width, width)

    @property
    def exported(self) -> Encoder:
        return self.teacher.encoder

    def example(self, sample: dict, draw: Draw) -> tuple[dict, np.ndarray, np.ndarray]:
        there = draw.rng("columns").permutation(np.flatnonzero(self.encoder.grid(sample)))
        if len(there) < 2:
            raise UnreadableItem(draw.item, "2 or more known columns", str(len(there)))
        seen = int(np.clip(round(self.settings.context * len(there)), 1, len(there) - 1))
        return sample, there[:seen], there[seen:]

    def collate(self, examples: Sequence[tuple[dict, np.ndarray, np.ndarray]]) -> Asked:
        samples, seen, asked = zip(*examples, strict=True)
        return Asked(self.encoder.collate(samples), _padded(seen), _padded(asked))

    def forward(self, batch: Asked) -> Loss:
        seen, asked = batch.seen, batch.asked
        everything = torch.where(
            batch.rows.there, torch.arange(batch.rows.there.shape[1]).to(seen), -1
        )
        self.teacher.copy_buffers()
        with torch.no_grad():
            taught = self.teacher.encoder.encode_visible(batch.rows, everything)
        place = asked.clamp(min=0)
        known = self.encoder.encode_visible(batch.rows, seen)
        tokens = torch.cat([known, self.asked[place]], 1)
        found = self.blocks(tokens, torch.cat([seen, asked], 1) >= 0)[:, seen.shape[1] :]
        wanted = taught.gather(1, place[..., None].expand(-1, -1, taught.shape[-1]))
        error = (self.prediction(found) - wanted).square()
        return Loss(global_mean(error, (asked >= 0)[..., None].to(error.dtype)))

    def after_step(self, step: int, total_steps: int) -> None:
        self.teacher.update(step, total_steps)


def _padded(rows: Sequence[np.ndarray]) -> Tensor:
    lists = [torch.as_tensor(row) for row in rows]
    return nn.utils.rnn.pad_sequence(lists, batch_first=True, padding_value=-1)
