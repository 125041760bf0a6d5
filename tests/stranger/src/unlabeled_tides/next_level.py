"""Predict the next hour's level from the hours before."""

from collections.abc import Sequence

import numpy as np
from torch import nn

from unlabeled.contract import Encoder, Loss, Pretext
from unlabeled.distributed import global_mean
from unlabeled.randomness import Draw
from unlabeled.settings import Settings

from .recurrent import Levels


class NextLevelSettings(Settings):
    """There is nothing to set."""


class NextLevel(Pretext):
    """Mean squared error of one step ahead, over the hours that are there."""

    settings_type = NextLevelSettings

    def __init__(self, settings: NextLevelSettings, encoder: Encoder) -> None:
        super().__init__(settings, encoder)
        self.predictor = nn.Linear(encoder.outputs[1].width, 1)

    def example(self, sample: np.ndarray, draw: Draw) -> np.ndarray:
        start = int(draw.rng("start").integers(len(sample) // 2))
        return sample[start:].copy()

    def collate(self, examples: Sequence[np.ndarray]) -> Levels:
        batch: Levels = self.encoder.collate(examples)
        return batch

    def forward(self, batch: Levels) -> Loss:
        states = self.encoder.encode(batch, self.encoder.outputs[1].name)
        predicted = self.predictor(states.values[:, :-1])[..., 0]
        error = (predicted - batch.values[:, 1:]).square()
        return Loss(global_mean(error, batch.valid[:, 1:].to(error.dtype)))
