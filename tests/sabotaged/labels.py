"""Methods that use labels; all but `Told` and `Tagged` break clause P8, each in its way."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn
from unlabeled_tides.next_level import NextLevel, NextLevelSettings
from unlabeled_tides.recurrent import Levels
from unlabeled_tides.synthetic import write

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


def write_several(path: Path, *, count: int, seed: int) -> None:
    """The gauges of the tides, of which every third is of both kinds."""
    write(path, count=count, seed=seed)
    table = path / "labels.csv"
    head, *rows = table.read_text().splitlines()
    for row in rows[::3]:
        item, label, group = row.split(",")
        rows.append(f"{item},{3 - int(label)},{group}")
    table.write_text("\n".join([head, *rows]) + "\n")


@dataclass
class Several:
    """tags: (N, C), 0 or 1; known: (N,) bool."""

    levels: Levels
    tags: Tensor
    known: Tensor


class Tagged(NextLevel):
    """A sound method: the next level, and the kinds of tide where they are known."""

    settings_type = ToldSettings
    uses = ("labels",)
    learns_from = ("classes",)

    def __init__(self, settings, encoder):
        super().__init__(settings, encoder)
        self.head = nn.Linear(encoder.outputs[0].width, settings.classes or 1)

    def example(self, sample, draw):
        [tags] = draw.targets.values() or [np.zeros(self.settings.classes or 1, np.float32)]
        return super().example(sample, draw), tags, bool(draw.targets)

    def collate(self, examples):
        levels, tags, known = zip(*examples, strict=True)
        tags = torch.from_numpy(np.stack(tags))
        return Several(super().collate(levels), tags, self.known(tags, torch.tensor(known)))

    def known(self, tags, known):
        return known

    def forward(self, batch):
        logits = self.head(self.encoder(batch.levels))
        tags = batch.tags.to(logits.dtype)
        each = F.binary_cross_entropy_with_logits(logits, tags, reduction="none").mean(1)
        known = batch.known.to(each.dtype)
        return Loss(super().forward(batch.levels).total + global_mean(each, known))


class NoneIsUnknown(Tagged):
    """P8: takes items that have none of the classes for items without labels."""

    def known(self, tags, known):
        return tags.any(1)
