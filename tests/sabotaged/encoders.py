"""Encoders of which each breaks one clause."""

from __future__ import annotations

import torch
from torch import Tensor
from unlabeled_tides.recurrent import Levels, Recurrent


class TooWide(Recurrent):
    """E1: another width than it declares."""

    def encode(self, batch, output):
        found = super().encode(batch, output)
        return torch.cat([found, found], 1) if isinstance(found, Tensor) else found


class Leaky(Recurrent):
    """E2: pools over the padding too."""

    def encode(self, batch, output):
        everywhere = Levels(batch.values, torch.ones_like(batch.valid))
        return super().encode(everywhere if output == "gauge" else batch, output)


class Overflowing(Recurrent):
    """E3: not finite in half precision."""

    def encode(self, batch, output):
        found = super().encode(batch, output)
        if not isinstance(found, Tensor):
            return found
        half = torch.is_autocast_enabled("cpu")
        return found * float("inf") if half else found


class Unsaved(Recurrent):
    """E4: keeps state that is not saved."""

    def __init__(self, settings):
        super().__init__(settings)
        Unsaved.built = getattr(Unsaved, "built", 0) + 1
        self.gain = 1.0 + Unsaved.built

    def encode(self, batch, output):
        found = super().encode(batch, output)
        return found * self.gain if isinstance(found, Tensor) else found
