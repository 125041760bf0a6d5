"""A convolutional network that gives a vector for each pixel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from pydantic import Field
from torch import Tensor, nn

from unlabeled.contract import Encoder, Encoding, Output, Tokens
from unlabeled.settings import Settings
from unlabeled_lab.scan import Scan


class PixelsSettings(Settings):
    width: int = Field(8, gt=0, description="size of a pixel's vector")


@dataclass
class Scans:
    """values: (N, 1, H, W), zeros behind a sample's end; valid: (N, H, W) bool."""

    values: Tensor
    valid: Tensor


class Pixels(Encoder):
    settings_type = PixelsSettings

    def __init__(self, settings: PixelsSettings) -> None:
        super().__init__(settings)
        width = settings.width
        self.outputs = (Output("image", "global", width), Output("pixels", "tokens", width))
        self.first = nn.Conv2d(1, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)

    def collate(self, samples: Sequence[Scan]) -> Scans:
        height, width = (max(s.values.shape[axis] for s in samples) for axis in (0, 1))
        values = torch.zeros(len(samples), 1, height, width)
        valid = torch.zeros(len(samples), height, width, dtype=torch.bool)
        for row, sample in enumerate(samples):
            h, w = sample.values.shape
            values[row, 0, :h, :w] = torch.from_numpy(sample.values)
            valid[row, :h, :w] = True
        return Scans(values, valid)

    def _encode(self, batch: Scans, output: str) -> Encoding:
        there = batch.valid[:, None].to(batch.values.dtype)
        # Zero behind the end after each layer, or padding would reach back into the image.
        maps = torch.relu(self.first(batch.values)) * there
        maps = torch.relu(self.second(maps)) * there
        if output == "image":
            return maps.sum((2, 3)) / there.sum((2, 3))
        rows, columns = (torch.arange(n, device=maps.device) for n in maps.shape[2:])
        position = torch.stack(torch.meshgrid(rows, columns, indexing="ij"), -1).flatten(0, 1)
        position = position.to(maps.dtype).expand(len(maps), -1, -1)
        return Tokens(maps.flatten(2).transpose(1, 2), batch.valid.flatten(1), position)
