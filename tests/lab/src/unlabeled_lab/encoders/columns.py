"""A transformer over the columns of a row (Gorishniy et al. 2021), of which some may be missing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from unlabeled.contract import Encoder, Encoding, Output, PatchEncoder
from unlabeled.encoders.attention import Blocks
from unlabeled.errors import ShapeError
from unlabeled.settings import Settings


class ColumnSettings(Settings):
    columns: int | None = Field(None, description="how many; from the data")
    width: int = Field(16, gt=0, description="size of a token")
    depth: int = Field(1, gt=0, description="blocks")


@dataclass
class Rows:
    """values: (N, C), 0 where not there; there: (N, C) bool."""

    values: Tensor
    there: Tensor


class Columns(Encoder, PatchEncoder):
    """A token per column; their mean. Columns are centred and scaled by what calibration finds."""

    settings_type = ColumnSettings
    settings: ColumnSettings
    patch_values = 1

    def __init__(self, settings: ColumnSettings) -> None:
        super().__init__(settings)
        count, width = settings.columns or 1, settings.width
        self.outputs = (Output("row", "global", width),)
        self.token_width = width
        self.scale = nn.Parameter(torch.randn(count, width) * 0.3)
        self.place = nn.Parameter(torch.randn(count, width) * 0.3)
        self.blocks = Blocks(width, settings.depth, 2)
        self.register_buffer("mean", torch.zeros(count))
        self.register_buffer("spread", torch.ones(count))

    def calibrate(self, batches: Iterable[Rows]) -> None:
        values = torch.cat([b.values.masked_fill(~b.there, torch.nan) for b in batches])
        self.mean.copy_(values.nanmean(0).nan_to_num())
        self.spread.copy_((values - self.mean).square().nanmean(0).sqrt().nan_to_num(1.0) + 1e-6)

    def collate(self, samples: Sequence[dict]) -> Rows:
        values = torch.stack([torch.as_tensor(sample["row"]) for sample in samples])
        return Rows(values.nan_to_num(), ~values.isnan())

    def grid(self, sample: dict) -> np.ndarray:
        return ~np.isnan(sample["row"])

    def patches(self, batch: Rows) -> tuple[Tensor, Tensor]:
        scaled = (batch.values - self.mean) / self.spread
        return scaled[..., None], batch.there[..., None]

    def tokens(self, batch: Rows) -> Tensor:
        return self.patches(batch)[0] * self.scale + self.place

    def encode_visible(self, batch: Rows, visible: Tensor, source: Tensor | None = None) -> Tensor:
        if source is not None:
            raise ShapeError("lab/columns shows no corrupted columns")
        index = visible.clamp(min=0)[..., None].expand(-1, -1, self.token_width)
        return self.blocks(self.tokens(batch).gather(1, index), visible >= 0)

    def _encode(self, batch: Rows, output: str) -> Encoding:
        if batch.values.ndim != 2 or output != "row":
            raise ShapeError(f"expected rows (N, C) and the output row, found {output}")
        states, there = self.blocks(self.tokens(batch), batch.there), batch.there[..., None]
        return torch.where(there, states, 0).sum(1) / there.sum(1).clamp(min=1)
