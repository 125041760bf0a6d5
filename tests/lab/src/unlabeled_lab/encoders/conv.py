"""A small convolutional network over images."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from pydantic import Field
from torch import Tensor, nn

from unlabeled.contract import Encoder, Encoding, Output
from unlabeled.errors import ShapeError
from unlabeled.settings import Settings


class ConvSettings(Settings):
    width: int = Field(16, gt=0, description="size of an embedding")


def convolutions(width: int) -> nn.Sequential:
    """(N, 1, 8, 8) -> (N, width)."""
    return nn.Sequential(
        *(nn.Conv2d(1, 8, 3, 2, 1), nn.ReLU(), nn.Conv2d(8, 16, 3, 2, 1), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(64, width)),
    )


class Conv(Encoder):
    settings_type = ConvSettings

    def __init__(self, settings: ConvSettings) -> None:
        super().__init__(settings)
        self.outputs = (Output("image", "global", settings.width),)
        self.network = convolutions(settings.width)

    def collate(self, samples: Sequence[dict]) -> Tensor:
        return torch.stack([torch.as_tensor(sample["image"])[None] for sample in samples])

    def _encode(self, batch: Tensor, output: str) -> Encoding:
        if batch.ndim != 4 or output != "image":
            raise ShapeError(f"expected images (N, 1, H, W) and the output image, found {output}")
        return self.network(batch)
