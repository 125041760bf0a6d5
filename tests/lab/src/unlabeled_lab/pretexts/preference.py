"""Direct preference optimisation (Rafailov et al. 2023): a text is better than the same text with
some letters exchanged, by more than a frozen reference thinks."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from unlabeled.contract import Encoder, Loss, Pretext
from unlabeled.distributed import global_mean
from unlabeled.randomness import Draw
from unlabeled.settings import Settings
from unlabeled_lab.encoders.sequence import Texts


class PreferenceSettings(Settings):
    beta: float = Field(0.1, gt=0, description="how strongly the reference holds")


class Preference(Pretext):
    settings_type = PreferenceSettings
    settings: PreferenceSettings
    frozen = ("reference",)

    def __init__(self, settings: PreferenceSettings, encoder: Encoder) -> None:
        super().__init__(settings, encoder)
        head = nn.Linear(encoder.settings.width, len(encoder.settings.words or "ab"))
        self.model = nn.ModuleList([encoder, head])
        self.reference = copy.deepcopy(self.model).requires_grad_(False)

    def example(self, sample: dict, draw: Draw) -> tuple[dict, dict]:
        rng, text = draw.rng("worse"), sample["text"].copy()
        swapped = rng.random(len(text)) < 0.3
        text[swapped] = rng.integers(2, len(self.encoder.settings.words), swapped.sum())
        return sample, {"text": text}

    def collate(self, examples: Sequence[tuple[dict, dict]]) -> list[Texts]:
        return [self.encoder.collate(samples) for samples in zip(*examples, strict=True)]

    def forward(self, batch: list[Texts]) -> Loss:
        ours = [_log_likelihood(self.model, texts) for texts in batch]
        with torch.no_grad():
            theirs = [_log_likelihood(self.reference, texts) for texts in batch]
        margin = (ours[0] - ours[1]) - (theirs[0] - theirs[1])
        return Loss(global_mean(-F.logsigmoid(self.settings.beta * margin)))


def _log_likelihood(model: nn.ModuleList, texts: Texts) -> Tensor:
    """(N,): of each text, letter by letter from those before."""
    encoder, head = model
    found = head(encoder.letters(texts))[:, :-1].log_softmax(-1)
    each = found.gather(2, texts.words[:, 1:, None]).squeeze(2)
    return (each * texts.valid[:, 1:]).sum(1)
