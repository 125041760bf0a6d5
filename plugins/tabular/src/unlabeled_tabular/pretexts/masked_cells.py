"""Masked cells: predict hidden cells of a row from the others, numbers and categories alike.

Source: the reconstruction of Yoon et al., VIME, NeurIPS 2020, and of masked autoencoders, He et
al., CVPR 2022, arXiv:2111.06377, on the cells of a row. Letters: N rows, C columns, D width.

    loss = mean over hidden cells of the error of their column:
           (prediction - normal score)² for numbers, cross-entropy for categories

Departs from VIME, which fills hidden cells with values of other rows and predicts which they are:
here a hidden cell has the learned token of an empty one, and empty cells are neither hidden nor
asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from unlabeled.contract import Encoder, Loss, Pretext
from unlabeled.distributed import global_mean
from unlabeled.errors import RecipeError
from unlabeled.randomness import Draw
from unlabeled.settings import Settings
from unlabeled_tabular.encoders.cells import Cells
from unlabeled_tabular.encoders.ft_transformer import FTTransformer
from unlabeled_tabular.row import Row


class MaskedCellsSettings(Settings):
    share: float = Field(0.4, gt=0, lt=1, description="share of the cells that are hidden")


@dataclass(slots=True)
class Hidden:
    """cells: of N rows; hidden: (N, C) bool."""

    cells: Cells
    hidden: Tensor


class MaskedCells(Pretext):
    """The encoder, and a linear head per column."""

    settings_type = MaskedCellsSettings
    settings: MaskedCellsSettings
    encoder: FTTransformer

    def __init__(self, settings: MaskedCellsSettings, encoder: Encoder) -> None:
        """Raises RecipeError for another encoder."""
        if not isinstance(encoder, FTTransformer):
            found = type(encoder).__name__
            raise RecipeError(f"encoder: masked cells need tabular/ft_transformer, found {found}")
        super().__init__(settings, encoder)
        width, count = encoder.settings.width, len(encoder.number_names)
        self.numbers = nn.Parameter(torch.empty(count, width).uniform_(-1, 1) * width**-0.5)
        self.offsets = nn.Parameter(torch.zeros(count))
        self.categories = nn.ModuleList(
            nn.Linear(width, max(len(values), 1)) for values in encoder.vocabulary.values()
        )

    def example(self, sample: Row, draw: Draw) -> tuple[Row, np.ndarray]:
        """The row, and which of its cells are hidden, (C,) bool."""
        hidden = draw.rng("cells").random(self.encoder.columns) < self.settings.share
        return sample, hidden

    def collate(self, examples: Sequence[tuple[Row, np.ndarray]]) -> Hidden:
        rows, hidden = zip(*examples, strict=True)
        return Hidden(self.encoder.collate(rows), torch.from_numpy(np.stack(hidden)))

    def forward(self, batch: Hidden) -> Loss:
        encoder, cells = self.encoder, batch.cells
        states = encoder.run(encoder.embed(cells, ~batch.hidden))[:, 1:]
        asked = encoder.known(cells) & batch.hidden
        # global_mean: the loss is that of the joint batch of all processes, and a batch in which
        # nothing is hidden has the loss 0.
        errors = self._errors(cells, states)
        return Loss(global_mean(errors, asked.to(errors.dtype)), count=asked.sum())

    def _errors(self, cells: Cells, states: Tensor) -> Tensor:
        """(N, C), of every cell, also of those that are shown or empty."""
        count = len(self.numbers)
        predicted = (states[:, :count] * self.numbers).sum(dim=-1) + self.offsets
        parts = [(predicted - self.encoder.scores(cells)).square()]
        codes = cells.codes.clamp(min=0)
        for place, head in enumerate(self.categories):
            logits = head(states[:, count + place]).float()
            error = functional.cross_entropy(logits, codes[:, place], reduction="none")
            parts.append(error[:, None].to(predicted.dtype))
        return torch.cat(parts, dim=1)
