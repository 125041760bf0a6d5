"""FT-Transformer: one token per cell, and a transformer over them.

Source: Gorishniy et al., Revisiting Deep Learning Models for Tabular Data, NeurIPS 2021,
arXiv:2106.11959: a number is `x · w + b` and a category a row of a table, plus `b`, each column
with weights of its own; a learned token goes before them. T-JEPA (Thimonier et al., ICLR 2025,
arXiv:2410.05016) uses the same and calls that token [REG]. Departs from both in that an empty cell
has a learned token of its column, and blocks are pre-norm, as in the rest of the core.
"""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor, nn

from unlabeled.contract import Encoding, Output, Tokens
from unlabeled.encoders.attention import Blocks
from unlabeled.encoders.patches import take_tokens
from unlabeled_tabular.encoders.cells import Cells, CellSettings, RowEncoder


class FTTransformerSettings(CellSettings):
    width: int = Field(64, gt=0, description="size of a token")
    depth: int = Field(3, gt=0, description="transformer blocks")
    heads: int = Field(4, gt=0, description="attention heads; must divide the width")
    dropout: float = Field(0.0, ge=0, lt=1, description="of the blocks, while training")


class FTTransformer(RowEncoder):
    """Outputs: `row`, the mean of all tokens, (N, D); `cells`, the tokens of all columns side by
    side, (N, C · D); `tokens`."""

    settings_type = FTTransformerSettings
    settings: FTTransformerSettings

    def __init__(self, settings: FTTransformerSettings) -> None:
        super().__init__(settings)
        width, count = settings.width, self.columns
        self.outputs = (
            Output("row", "global", width),
            Output("cells", "global", max(count, 1) * width),
            Output("tokens", "tokens", width),
        )
        scale = width**-0.5
        self.number = nn.Parameter(torch.empty(len(self.number_names), width))
        self.tables = nn.ModuleList(
            nn.Embedding(max(len(values), 1), width) for values in self.vocabulary.values()
        )
        self.column = nn.Parameter(torch.empty(count, width))
        self.empty = nn.Parameter(torch.empty(count, width))
        self.learned = nn.Parameter(torch.empty(1, width))
        tables: list[Tensor] = [table.weight for table in self.tables]  # type: ignore[misc]
        for weight in (self.number, self.column, self.empty, self.learned, *tables):
            nn.init.uniform_(weight, -scale, scale)
        self.blocks = Blocks(width, settings.depth, settings.heads, dropout=settings.dropout)

    def _encode(self, batch: Cells, output: str) -> Encoding:
        states = self.run(self.embed(batch))
        if output == "row":
            row: Tensor = states.mean(dim=1)
            return row
        cells = states[:, 1:]
        if output == "cells":
            return cells.flatten(1)
        place = torch.arange(cells.shape[1], device=cells.device, dtype=cells.dtype)
        valid = torch.ones(cells.shape[:2], dtype=torch.bool, device=cells.device)
        return Tokens(cells, valid, place[None, :, None].expand(len(cells), -1, -1))

    def embed(self, batch: Cells, shown: Tensor | None = None) -> Tensor:
        """The tokens before the blocks, (N, 1 + C, D), the learned one first.

        shown: (N, C) bool; other cells look empty. None: all.
        """
        parts = [self.scores(batch)[..., None] * self.number]
        for table, codes in zip(self.tables, batch.codes.T, strict=True):
            parts.append(table(codes.clamp(min=0))[:, None])
        known = self.known(batch) if shown is None else self.known(batch) & shown
        values = torch.where(known[..., None], torch.cat(parts, dim=1), self.empty) + self.column
        return torch.cat([self.learned.expand(values.shape[0], 1, -1), values], dim=1)

    def run(self, tokens: Tensor, chosen: Tensor | None = None) -> Tensor:
        """The states of tokens (N, 1 + C, D). chosen: (N, K) long, the only ones that run, -1 is
        padding; None: all."""
        if chosen is None:
            states: Tensor = self.blocks(tokens)
        else:
            states = self.blocks(take_tokens(tokens, chosen), chosen >= 0)
        return states
