"""A transformer on texts: sequences of tokens of a vocabulary, of any length.

Source: Devlin et al., BERT, NAACL 2019, arXiv:1810.04805, with pre-norm blocks (Xiong et al., ICML
2020, arXiv:2002.04745), sines for positions, and the mean of the tokens in place of a class token,
which nothing trains in masked language modelling (Rao et al., TAPE, NeurIPS 2019).
Letters: N batch, L tokens, D width, V tokens of the vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from unlabeled.contract import Encoder, Encoding, Output, TokenEncoder, Tokens
from unlabeled.data.vocabulary import LARGEST, MASK, SEPARATOR, SPECIAL
from unlabeled.encoders.attention import Blocks
from unlabeled.encoders.pieces import Tokenizer
from unlabeled.encoders.pooling import mean_of_valid
from unlabeled.encoders.positions import sine_positions
from unlabeled.errors import RecipeError
from unlabeled.settings import Settings

STD = 0.02
"""Of new embeddings, as in BERT."""


class TokenSequenceSettings(Settings):
    vocabulary: tuple[str, ...] | None = Field(
        None, max_length=LARGEST, description="the tokens, special ones first; from the data"
    )
    split: Literal["pieces", "characters"] | None = Field(
        None, description="what a token is, a piece of a word or a character; from the data"
    )
    width: int = Field(128, ge=1, description="width of the tokens")
    depth: int = Field(4, ge=1, description="number of blocks")
    heads: int = Field(4, ge=1, description="attention heads; must divide the width")
    dropout: float = Field(0.0, ge=0, lt=1, description="share of values dropped in each block")


@dataclass(slots=True)
class TokenBatch:
    """numbers: (N, L) int64, in the vocabulary; valid: (N, L) bool, False is padding."""

    numbers: Tensor
    valid: Tensor


class TokenSequence(Encoder, TokenEncoder):
    """Outputs `pooled`, the mean of the tokens, and `tokens`, placed by their number.

    A sample is a sequence of texts, one per column or section, which are joined by a separator. It
    holds one token or more. Separators are no output.
    """

    settings_type = TokenSequenceSettings
    settings: TokenSequenceSettings

    def __init__(self, settings: TokenSequenceSettings) -> None:
        """Raises RecipeError if neither the recipe nor the data give a vocabulary."""
        super().__init__(settings)
        if settings.vocabulary is None or settings.split is None:
            raise RecipeError(
                "encoder: expected vocabulary and split, from the recipe or from the reader's "
                "texts; found neither. Choose a reader of texts."
            )
        self.outputs = (
            Output("pooled", "global", settings.width),
            Output("tokens", "tokens", settings.width),
        )
        self.tokenizer = Tokenizer(settings.vocabulary, settings.split)
        self.vocabulary_size = len(settings.vocabulary)
        self.token_width = settings.width
        self.mask_number = settings.vocabulary.index(MASK)
        self.first_maskable = len(SPECIAL)
        self._separator = settings.vocabulary.index(SEPARATOR)
        self.embedding = nn.Embedding(self.vocabulary_size, settings.width)
        nn.init.normal_(self.embedding.weight, std=STD)
        self.blocks = Blocks(
            settings.width, settings.depth, settings.heads, dropout=settings.dropout
        )

    def numbers(self, sample: Sequence[str]) -> np.ndarray:
        return self.tokenizer(sample)

    def collate(self, samples: Sequence[Sequence[str]]) -> TokenBatch:
        return TokenBatch(*pad_numbers([self.numbers(sample) for sample in samples]))

    def _encode(self, batch: TokenBatch, output: str) -> Encoding:
        values = self.encode_numbers(batch.numbers, batch.valid)
        shown = batch.valid & (batch.numbers != self._separator)
        place = torch.arange(values.shape[1], device=values.device, dtype=torch.float32)
        place = place[None, :, None].expand(values.shape[0], -1, -1)
        tokens = Tokens(values, shown, place)
        return tokens if output == "tokens" else mean_of_valid(tokens)

    def encode_numbers(self, numbers: Tensor, valid: Tensor) -> Tensor:
        width = self.settings.width
        # At the size that embeddings start with: sines of size 1 would drown them.
        places = sine_positions((numbers.shape[1],), width, numbers.device)
        values = self.embedding(numbers)
        encoded: Tensor = self.blocks(values + STD * places.to(values.dtype), valid)
        return encoded

    def token_vectors(self) -> Tensor:
        return self.embedding.weight

    def preprocessing(self) -> Mapping[str, Any]:
        return {"split": self.settings.split, "vocabulary_size": self.vocabulary_size}


def pad_numbers(sequences: Sequence[np.ndarray]) -> tuple[Tensor, Tensor]:
    """Join (L,) sequences of numbers: (N, L) int64 and (N, L) bool, False is padding."""
    lengths = torch.tensor([len(sequence) for sequence in sequences])
    numbers = nn.utils.rnn.pad_sequence(
        [torch.from_numpy(sequence) for sequence in sequences], batch_first=True
    )
    return numbers, torch.arange(numbers.shape[1]) < lengths[:, None]
