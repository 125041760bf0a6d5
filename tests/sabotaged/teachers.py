"""Methods with a copy of the encoder, of which each breaks clause P7 in its way."""

from __future__ import annotations

import copy

import torch
from torch import nn
from unlabeled_tides.next_level import NextLevel
from unlabeled_tides.recurrent import Levels, Recurrent

from unlabeled.contract import Loss
from unlabeled.distributed import global_mean


class Levelled(Recurrent):
    """A sound encoder whose input is centred by what calibration finds."""

    def __init__(self, settings):
        super().__init__(settings)
        self.register_buffer("level", torch.full((), torch.pi))

    def calibrate(self, batches):
        self.level.copy_(torch.cat([batch.values[batch.valid] for batch in batches]).mean() + 1)


class Taught(NextLevel):
    """A sound method: its states are drawn to those of a slow copy, called anything but teacher."""

    def __init__(self, settings, encoder):
        super().__init__(settings, encoder)
        self.slow = self.copied(encoder).requires_grad_(False)

    def copied(self, encoder):
        return copy.deepcopy(encoder)

    def forward(self, batch):
        other = Levels(0.9 * batch.values, batch.valid)
        far = (self.encoder(batch) - self.slow(other)).square()
        return Loss(super().forward(batch).total + global_mean(far))

    @torch.no_grad()
    def after_step(self, step, total_steps):
        torch._foreach_lerp_(list(self.slow.parameters()), list(self.encoder.parameters()), 0.01)


class Still(Taught):
    """P7: the copy never moves."""

    def after_step(self, step, total_steps):
        pass


class Reference(Still):
    """Sound: it says that the copy stays as it is."""

    frozen = ("slow",)


class Uncalibrated(Taught):
    """P7: the copy is built anew, with the weights but without the statistics of the input."""

    def copied(self, encoder):
        other = type(encoder)(encoder.settings)
        for mine, theirs in zip(other.parameters(), encoder.parameters(), strict=True):
            mine.data.copy_(theirs)
        return other


class Learning(Taught):
    """P7: the copy learns by gradient, and answers with what it is asked."""

    def __init__(self, settings, encoder):
        super().__init__(settings, encoder)
        self.slow.requires_grad_(True)


class SecondNetwork(Taught):
    """Sound: a second network that learns as well starts from weights of its own."""

    def __init__(self, settings, encoder):
        super().__init__(settings, encoder)
        self.slow.requires_grad_(True)
        for module in self.slow.modules():
            if isinstance(module, nn.GRU):
                module.reset_parameters()

    def after_step(self, step, total_steps):
        pass
