"""Supervised segmentation: the class of each pixel, where a mask says it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from unlabeled.augmentations.views import View, ViewBatch, Views
from unlabeled.contract import Encoder, Loss, Pretext
from unlabeled.data.dense_target import pad_targets
from unlabeled.distributed import global_mean
from unlabeled.randomness import Draw
from unlabeled.settings import Settings
from unlabeled_lab.scan import Scan


class CellsSettings(Settings):
    classes: int = Field(2, ge=2, description="how many the masks have")


@dataclass
class Labelled:
    """known: (N, H, W), the class of each pixel, -1 where it is unknown."""

    views: list[ViewBatch]
    known: Tensor


class Cells(Pretext):
    settings_type = CellsSettings
    uses = ("views", "labels")
    learns_from = ("mask",)

    def __init__(self, settings: CellsSettings, encoder: Encoder, *, views: Views) -> None:
        super().__init__(settings, encoder)
        self.views = views
        self.head = nn.Linear(encoder.outputs[1].width, settings.classes)

    def example(self, sample: Scan, draw: Draw) -> list[View]:
        return self.views.make(sample, draw)

    def collate(self, examples: Sequence[list[View]]) -> Labelled:
        views = self.views.collate(examples, self.encoder.collate)
        grid = tuple(views[0].batch.valid.shape[1:])
        masks = [next(iter(view.targets.values()), None) for [view] in examples]
        return Labelled(views, torch.from_numpy(pad_targets(masks, grid, self.settings.classes)))

    def forward(self, batch: Labelled) -> Loss:
        [images] = self.views.apply(batch.views)
        tokens = self.encoder.encode(images, self.encoder.outputs[1].name)
        known = batch.known.flatten(1)
        logits = self.head(tokens.values).transpose(1, 2)
        each = F.cross_entropy(logits, known.clamp(min=0), reduction="none")
        return Loss(global_mean(each, (known >= 0).to(each.dtype)))
