"""Latents of what is seen at each step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from unlabeled.contract import Encoder, Encoding, Output
from unlabeled.errors import ShapeError
from unlabeled.settings import Settings


class WorldSettings(Settings):
    width: int = Field(16, gt=0, description="size of a latent")


@dataclass
class Steps:
    """values: (N, T, 4), place, speed, push, reward; valid: (N, T)."""

    values: Tensor
    valid: Tensor


class World(Encoder):
    settings_type = WorldSettings

    def __init__(self, settings: WorldSettings) -> None:
        super().__init__(settings)
        self.outputs = (Output("mean", "global", settings.width),)
        self.look = nn.Sequential(nn.Linear(2, 32), nn.ELU(), nn.Linear(32, settings.width))

    def collate(self, samples: Sequence[dict]) -> Steps:
        rows = [torch.as_tensor(sample["steps"]) for sample in samples]
        valid = [torch.ones(len(row), dtype=torch.bool) for row in rows]
        return Steps(pad_sequence(rows, batch_first=True), pad_sequence(valid, batch_first=True))

    def _encode(self, batch: Steps, output: str) -> Encoding:
        if batch.values.shape[-1] != 4 or output != "mean":
            raise ShapeError(f"expected steps (N, T, 4) and the output mean, found {output}")
        x = self.look(batch.values[..., :2])
        return torch.where(batch.valid[..., None], x, 0).sum(1) / batch.valid.sum(1, keepdim=True)
