"""A transformer over letters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from unlabeled.contract import Encoder, Encoding, Output, Tokens
from unlabeled.encoders.attention import Blocks
from unlabeled.encoders.positions import sine_positions
from unlabeled.errors import ShapeError
from unlabeled.settings import Settings

MASK = 1
"""The word that stands for a hidden one."""


class SequenceSettings(Settings):
    words: tuple[str, ...] | None = Field(None, description="the vocabulary; from the data")
    width: int = Field(16, gt=0, description="size of a token")
    depth: int = Field(1, gt=0, description="blocks")
    causal: bool = Field(False, description="whether a token sees only those before it")


@dataclass
class Texts:
    """words: (N, L) long; valid: (N, L) bool."""

    words: Tensor
    valid: Tensor


class SequenceEncoder(Encoder):
    settings_type = SequenceSettings
    settings: SequenceSettings

    def __init__(self, settings: SequenceSettings) -> None:
        super().__init__(settings)
        width = settings.width
        self.outputs = (Output("mean", "global", width), Output("letters", "tokens", width))
        self.table = nn.Embedding(len(settings.words or "ab"), width)
        self.blocks = Blocks(width, settings.depth, 2)

    def collate(self, samples: Sequence[dict]) -> Texts:
        rows = [torch.as_tensor(sample["text"]) for sample in samples]
        valid = [torch.ones(len(row), dtype=torch.bool) for row in rows]
        return Texts(pad_sequence(rows, batch_first=True), pad_sequence(valid, batch_first=True))

    def letters(self, batch: Texts) -> Tensor:
        """(N, L, D)."""
        x = self.table(batch.words)
        length = x.shape[1]
        x = x + sine_positions((length,), x.shape[-1], x.device).to(x.dtype)
        later = torch.ones(length, length, dtype=torch.bool, device=x.device).triu(1)
        # Finite also in bf16, to which a bias may be rounded.
        hidden = torch.zeros_like(later, dtype=x.dtype).masked_fill(later, -1e30)
        return self.blocks(x, batch.valid, hidden[None, None] if self.settings.causal else None)

    def _encode(self, batch: Texts, output: str) -> Encoding:
        if batch.words.ndim != 2 or output not in ("mean", "letters"):
            raise ShapeError(f"expected words (N, L), and the output mean or letters: {output}")
        x, valid = self.letters(batch), batch.valid
        if output == "mean":
            return torch.where(valid[..., None], x, 0).sum(1) / valid.sum(1, keepdim=True)
        place = torch.arange(x.shape[1], device=x.device)[None, :, None]
        return Tokens(x, valid, place.expand(len(x), -1, -1))
