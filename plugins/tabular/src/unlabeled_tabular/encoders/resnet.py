"""A residual network over the cells of a row, side by side.

Source: the ResNet of Gorishniy et al., NeurIPS 2021, arXiv:2106.11959:
h = h + dropout(linear(dropout(relu(linear(norm(h)))))). Departs from it in layer norm in place of
batch norm, so that a row's embedding does not depend on others, and a flag for each empty cell.
"""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor, nn

from unlabeled.contract import Encoding, Output
from unlabeled_tabular.encoders.cells import Cells, CellSettings, RowEncoder


class ResNetSettings(CellSettings):
    width: int = Field(256, gt=0, description="size of the embedding")
    depth: int = Field(3, gt=0, description="residual blocks")
    category_width: int = Field(8, gt=0, description="size of the embedding of a category")
    dropout: float = Field(0.1, ge=0, lt=1, description="of the blocks, while training")


class ResNet(RowEncoder):
    """Output `row`, (N, D)."""

    settings_type = ResNetSettings
    settings: ResNetSettings

    def __init__(self, settings: ResNetSettings) -> None:
        super().__init__(settings)
        width, each = settings.width, settings.category_width
        self.outputs = (Output("row", "global", width),)
        self.tables = nn.ModuleList(
            nn.Embedding(max(len(values), 1), each) for values in self.vocabulary.values()
        )
        size = len(self.number_names) + each * len(self.vocabulary) + self.columns
        self.first = nn.Linear(size, width)
        self.blocks = nn.ModuleList(_block(width, settings.dropout) for _ in range(settings.depth))
        self.last = nn.Sequential(nn.LayerNorm(width), nn.ReLU(), nn.Linear(width, width))

    def _encode(self, batch: Cells, output: str) -> Encoding:  # noqa: ARG002 - there is one
        known = self.known(batch).to(self.first.weight.dtype)
        parts = [self.scores(batch)]
        for place, table in enumerate(self.tables):
            there = known[:, len(self.number_names) + place, None]
            parts.append(table(batch.codes[:, place].clamp(min=0)) * there)
        state = self.first(torch.cat([*parts, 1 - known], dim=1))
        for block in self.blocks:
            state = state + block(state)
        row: Tensor = self.last(state)
        return row


def _block(width: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        nn.LayerNorm(width),
        nn.Linear(width, 2 * width),
        nn.ReLU(),
        nn.Dropout(dropout),
        nn.Linear(2 * width, width),
        nn.Dropout(dropout),
    )
