"""A recurrent encoder of gauges."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from unlabeled.contract import Encoder, Encoding, Output, Tokens
from unlabeled.settings import Settings


@dataclass
class Levels:
    """values: (N, T) in m, padded with 0; valid: (N, T) bool."""

    values: Tensor
    valid: Tensor


class RecurrentSettings(Settings):
    width: int = Field(16, gt=0, description="size of the state")


class Recurrent(Encoder):
    """A GRU over the hours; the mean of its states."""

    settings_type = RecurrentSettings

    def __init__(self, settings: RecurrentSettings) -> None:
        super().__init__(settings)
        self.outputs = (
            Output("gauge", "global", settings.width),
            Output("hours", "tokens", settings.width),
        )
        self.gru = nn.GRU(1, settings.width, batch_first=True)

    def collate(self, samples: Sequence[np.ndarray]) -> Levels:
        rows = [torch.as_tensor(sample) for sample in samples]
        valid = [torch.ones(len(row), dtype=torch.bool) for row in rows]
        pad = nn.utils.rnn.pad_sequence
        return Levels(pad(rows, batch_first=True), pad(valid, batch_first=True))

    def _encode(self, batch: Levels, output: str) -> Encoding:
        states, _ = self.gru(batch.values[..., None])
        if output == "hours":
            hours = torch.arange(states.shape[1], device=states.device)
            position = hours[None, :, None].expand(len(states), -1, -1)
            return Tokens(states, batch.valid, position)
        weight = batch.valid[..., None].to(states.dtype)
        return (states * weight).sum(1) / weight.sum(1)
