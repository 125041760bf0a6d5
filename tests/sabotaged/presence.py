"""An encoder of a sensor that samples may lack, and methods that do or do not ask it."""

from __future__ import annotations

import torch
from unlabeled_tides.next_level import NextLevel
from unlabeled_tides.recurrent import Recurrent

from unlabeled.contract import Loss, Output
from unlabeled.distributed import global_mean


class Partial(Recurrent):
    """A sound encoder of two sensors; here every sample has both."""

    def __init__(self, settings):
        super().__init__(settings)
        self.outputs = (*self.outputs, Output("wind", "global", settings.width))

    def present(self, batch, output):
        return torch.ones(len(batch.values), dtype=torch.bool, device=batch.values.device)


class Numbered(Recurrent):
    """E1: presence as numbers."""

    def present(self, batch, output):
        return torch.ones(len(batch.values))


class Asking(NextLevel):
    """A sound method: hours of gauges that are absent have no weight. As it stands, `NextLevel`
    does not ask, and breaks clause P9 with this encoder."""

    def forward(self, batch):
        states = self.encoder.encode(batch, "hours").values[:, :-1]
        error = (self.predictor(states)[..., 0] - batch.values[:, 1:]).square()
        there = batch.valid[:, 1:] & self.encoder.present(batch, "hours")[:, None]
        return Loss(global_mean(error, there.to(error.dtype)))
