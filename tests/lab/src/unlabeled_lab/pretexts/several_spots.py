"""Several labels of one image: each class is a question of its own, where the image has labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from unlabeled.contract import Encoder, Loss, Pretext
from unlabeled.distributed import global_mean
from unlabeled.randomness import Draw
from unlabeled.settings import Settings


class SeveralSpotsSettings(Settings):
    classes: int | None = Field(None, description="how many; from the labels")
    class_names: tuple[str, ...] | None = Field(None, description="from the labels")


@dataclass
class Tagged:
    """images: (N, 1, 8, 8); tags: (N, C), 0 or 1; known: (N,), whether an image has labels."""

    images: Tensor
    tags: Tensor
    known: Tensor


class SeveralSpots(Pretext):
    settings_type = SeveralSpotsSettings
    uses = ("labels",)
    learns_from = ("classes",)

    def __init__(self, settings: SeveralSpotsSettings, encoder: Encoder) -> None:
        super().__init__(settings, encoder)
        self.head = nn.Linear(encoder.outputs[0].width, settings.classes or 1)

    def example(self, sample: dict, draw: Draw) -> tuple[dict, np.ndarray, bool]:
        rng = draw.rng("noise")
        image = sample["image"] + rng.normal(0, 0.2, sample["image"].shape).astype(np.float32)
        none = np.zeros(self.settings.classes or 1, np.float32)
        [tags] = draw.targets.values() or [none]
        return {"image": image}, tags, bool(draw.targets)

    def collate(self, examples: Sequence[tuple[dict, np.ndarray, bool]]) -> Tagged:
        samples, tags, known = zip(*examples, strict=True)
        stacked = torch.from_numpy(np.stack(tags))
        return Tagged(self.encoder.collate(samples), stacked, torch.tensor(known))

    def forward(self, batch: Tagged) -> Loss:
        logits = self.head(self.encoder(batch.images))
        tags = batch.tags.to(logits.dtype)
        each = F.binary_cross_entropy_with_logits(logits, tags, reduction="none").mean(1)
        return Loss(global_mean(each, batch.known.to(each.dtype)))
