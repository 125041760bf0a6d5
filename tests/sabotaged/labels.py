"""Methods that use labels, of which each breaks clause P8 in its way."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn
from unlabeled_tides.next_level import NextLevel, NextLevelSettings
from unlabeled_tides.recurrent import Levels

from unlabeled.contract import Loss
from unlabeled.distributed import all_reduce_sum, global_mean


class Deaf(NextLevel):
    """P8: says that it uses labels, and never looks at them."""

    uses = ("labels",)


class ToldSettings(NextLevelSettings):
    classes: int | None = Field(None, description="from the labels")


@dataclass
class Named:
    """known: (N,), a class or -1."""

    levels: Levels
    known: Tensor


class Told(NextLevel):
    """A sound method: the next level, and the kind of tide where it is known."""

    settings_type = ToldSettings
    uses = ("labels",)

    def __init__(self, settings, encoder):
        super().__init__(settings, encoder)
        self.head = nn.Linear(encoder.outputs[0].width, settings.classes or 1)

    def example(self, sample, draw):
        [known] = draw.targets.values() or [-1]
        return super().example(sample, draw), known

    def collate(self, examples):
        levels, known = zip(*examples, strict=True)
        return Named(super().collate(levels), torch.tensor(known))

    def forward(self, batch):
        logits = self.head(self.encoder(batch.levels))
        each = F.cross_entropy(logits, batch.known.clamp(min=0), reduction="none")
        return Loss(super().forward(batch.levels).total + self.mean(each, batch.known >= 0))

    def mean(self, each, known):
        return global_mean(each, known.to(each.dtype))


class Undefined(Told):
    """P8: the mean over no labelled sample is 0 / 0."""

    def mean(self, each, known):
        return all_reduce_sum((each * known).sum()) / all_reduce_sum(known.sum().to(each.dtype))
