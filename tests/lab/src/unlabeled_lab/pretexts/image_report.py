"""BioViL (Boecking et al. 2022): image and report are contrasted, and words hidden."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from pydantic import Field

from unlabeled.augmentations.views import Views
from unlabeled.contract import Encoder, Loss, Objective
from unlabeled.objectives.weighted_sum import TermWeight, WeightedSum
from unlabeled.pretexts.cross_modal import CrossModal, CrossModalSettings
from unlabeled.randomness import Draw

from .words import Asked, Words, WordSettings


class ImageReportSettings(CrossModalSettings):
    contrast: TermWeight = Field(TermWeight(), description="weight of the contrast")
    hidden: TermWeight = Field(TermWeight(weight=0.3), description="weight of the hidden words")


@dataclass
class Both:
    contrast: Any
    words: Asked


class ImageReport(CrossModal):
    settings_type = ImageReportSettings
    settings: ImageReportSettings

    def __init__(
        self, settings: ImageReportSettings, encoder: Encoder, *, views: Views, objective: Objective
    ) -> None:
        super().__init__(settings, encoder, views=views, objective=objective)
        self.words = Words(WordSettings(), encoder.language)
        self.sum = WeightedSum({"contrast": settings.contrast, "hidden": settings.hidden})

    def example(self, sample: dict, draw: Draw) -> tuple[Any, Any]:
        text = sample if "text" in sample else {"text": torch.zeros(1, dtype=torch.int64).numpy()}
        shown, hidden = self.words.example(text, draw)
        return super().example(sample, draw), (shown, hidden & (shown["text"] > 0))

    def collate(self, examples: Sequence[tuple[Any, Any]]) -> Both:
        pairs, texts = zip(*examples, strict=True)
        return Both(super().collate(pairs), self.words.collate(texts))

    def forward(self, batch: Both) -> Loss:
        contrast, hidden = super().forward(batch.contrast), self.words(batch.words)
        return self.sum({"contrast": contrast.total, "hidden": hidden.total})

    def after_step(self, step: int, total_steps: int) -> None:
        super().after_step(step, total_steps)
        self.sum.after_step(step, total_steps)
