"""Encoders of which each breaks one clause."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from unlabeled_tides.recurrent import Levels, Recurrent


class TooWide(Recurrent):
    """E1: another width than it declares."""

    def _encode(self, batch, output):
        found = super()._encode(batch, output)
        return torch.cat([found, found], 1) if isinstance(found, Tensor) else found


class Leaky(Recurrent):
    """E2: pools over the padding too."""

    def _encode(self, batch, output):
        everywhere = Levels(batch.values, torch.ones_like(batch.valid))
        return super()._encode(everywhere if output == "gauge" else batch, output)


class Overflowing(Recurrent):
    """E3: not finite in half precision."""

    def _encode(self, batch, output):
        found = super()._encode(batch, output)
        if not isinstance(found, Tensor):
            return found
        half = torch.is_autocast_enabled("cpu")
        return found * float("inf") if half else found


@dataclass
class Placed(Levels):
    """place: (1,), the number of one of 300 places."""

    place: Tensor


class FarPlace(Recurrent):
    """E3: holds the number of a place as a float, which mixed precision rounds past the end."""

    def collate(self, samples):
        levels = super().collate(samples)
        return Placed(levels.values, levels.valid, torch.tensor([299.0]))

    def _encode(self, batch, output):
        found = super()._encode(batch, output)
        if isinstance(batch, Placed) and isinstance(found, Tensor):
            return found * torch.ones(300)[batch.place.long()]
        return found


class Unsaved(Recurrent):
    """E4: keeps state that is not saved."""

    def __init__(self, settings):
        super().__init__(settings)
        Unsaved.built = getattr(Unsaved, "built", 0) + 1
        self.gain = 1.0 + Unsaved.built

    def _encode(self, batch, output):
        found = super()._encode(batch, output)
        return found * self.gain if isinstance(found, Tensor) else found


class Nameless(Recurrent):
    """E5: whatever is asked for, it returns something."""

    def encode(self, batch, output):
        return self._encode(batch, output)
