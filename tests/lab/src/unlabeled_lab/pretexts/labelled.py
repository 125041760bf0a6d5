"""What methods with few labels have in common: noisy images, and a class or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from unlabeled.contract import Pretext
from unlabeled.distributed import global_mean
from unlabeled.randomness import Draw
from unlabeled.settings import Settings


class LabelledSettings(Settings):
    classes: int | None = Field(None, description="how many; from the labels")


@dataclass
class Images:
    """images: (N, 1, 8, 8); known: (N,), the class, -1 without a label; chance: (N,) uniform."""

    images: Tensor
    known: Tensor
    chance: Tensor


class Labelled(Pretext):
    settings_type = LabelledSettings
    uses = ("labels",)

    def example(self, sample: dict, draw: Draw) -> tuple[dict, int, float]:
        rng = draw.rng("noise")
        image = sample["image"] + rng.normal(0, 0.2, sample["image"].shape).astype(np.float32)
        [known] = draw.targets.values() or [-1]
        return {"image": image}, int(known), rng.random()

    def collate(self, examples: Sequence[tuple[dict, int, float]]) -> Images:
        samples, known, chance = zip(*examples, strict=True)
        return Images(self.encoder.collate(samples), torch.tensor(known), torch.tensor(chance))


def supervised(logits: Tensor, known: Tensor) -> Tensor:
    """Cross-entropy over those that have a class; 0 where none has. logits: (N, C); known: (N,)."""
    each = F.cross_entropy(logits, known.clamp(min=0), reduction="none")
    return global_mean(each, (known >= 0).to(each.dtype))
