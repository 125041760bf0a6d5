"""Hidden words (Rao et al. 2019, TAPE) or the next one, from those around or before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from unlabeled.contract import Encoder, Loss, Pretext
from unlabeled.distributed import global_mean
from unlabeled.errors import RecipeError
from unlabeled.randomness import Draw
from unlabeled.settings import Settings
from unlabeled_lab.encoders.sequence import MASK, SequenceEncoder, Texts


class WordSettings(Settings):
    ask: Literal["hidden", "next"] = Field("hidden", description="which words are predicted")
    ratio: float = Field(0.3, gt=0, lt=1, description="share that is hidden")


@dataclass
class Asked:
    """texts: what is there; hidden: (N, L) bool."""

    texts: Texts
    hidden: Tensor


class Words(Pretext):
    settings_type = WordSettings
    settings: WordSettings

    def __init__(self, settings: WordSettings, encoder: Encoder) -> None:
        if not isinstance(encoder, SequenceEncoder):
            raise RecipeError(f"encoder: expected lab/sequence, found {type(encoder).__name__}")
        if encoder.settings.causal != (settings.ask == "next"):
            raise RecipeError(f"encoder.causal: {settings.ask} words are asked for")
        super().__init__(settings, encoder)
        self.head = nn.Linear(encoder.settings.width, len(encoder.settings.words or "ab"))

    def example(self, sample: dict, draw: Draw) -> tuple[dict, np.ndarray]:
        rng, length = draw.rng("mask"), len(sample["text"])
        if self.settings.ask == "next":  # a stretch of the text
            start = int(rng.integers(length // 2))
            return {"text": sample["text"][start:]}, np.zeros(length - start, bool)
        return sample, rng.permutation(length) < max(1, round(self.settings.ratio * length))

    def collate(self, examples: Sequence[tuple[dict, np.ndarray]]) -> Asked:
        samples, hidden = zip(*examples, strict=True)
        rows = [torch.as_tensor(each) for each in hidden]
        return Asked(self.encoder.collate(samples), pad_sequence(rows, batch_first=True))

    def forward(self, batch: Asked) -> Loss:
        words, valid = batch.texts.words, batch.texts.valid
        shown = Texts(torch.where(batch.hidden, MASK, words), valid)
        found, wanted, asked = self.head(self.encoder.letters(shown)), words, batch.hidden
        if self.settings.ask == "next":
            found, wanted, asked = found[:, :-1], words[:, 1:], valid[:, 1:]
        each = F.cross_entropy(found.transpose(1, 2), wanted, reduction="none")
        return Loss(global_mean(each, asked.to(each.dtype)))
