"""Masked language modelling: predict masked or replaced tokens of a text.

Source: Devlin et al., BERT, NAACL 2019, arXiv:1810.04805, section 3.1. Of the tokens to predict 80
% become the mask token, 10 % another token and 10 % stay, so that the encoder cannot know which are
right. Scores are products with the embeddings of the vocabulary. As in Rao et al., TAPE, NeurIPS
2019, but special tokens are neither predicted nor used as replacements.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from unlabeled.contract import Encoder, Loss, Pretext, Sample, TokenEncoder
from unlabeled.encoders.token_sequence import pad_numbers
from unlabeled.errors import RecipeError, UnreadableItem
from unlabeled.masks.random import RandomMask
from unlabeled.objectives.token_cross_entropy import token_cross_entropy_loss
from unlabeled.randomness import Draw
from unlabeled.settings import Settings


class MaskedTokensSettings(Settings):
    mask: RandomMask = Field(RandomMask(ratio=0.15), description="which tokens are predicted")
    hidden: float = Field(0.8, ge=0, le=1, description="share of these that become the mask token")
    replaced: float = Field(0.1, ge=0, le=1, description="share of these that become another token")


@dataclass(slots=True)
class MaskedText:
    """One sample. shown: (L,) int64, what the encoder sees; predicted: (L,) bool; truth: (L,)."""

    shown: np.ndarray
    predicted: np.ndarray
    truth: np.ndarray


@dataclass(slots=True)
class MaskedTexts:
    """shown, truth: (N, L) int64; predicted, valid: (N, L) bool."""

    shown: Tensor
    valid: Tensor
    predicted: Tensor
    truth: Tensor


class MaskedTokens(Pretext):
    """Hide tokens, encode the text, predict the hidden ones."""

    settings_type = MaskedTokensSettings
    settings: MaskedTokensSettings

    def __init__(self, settings: MaskedTokensSettings, encoder: Encoder) -> None:
        """Raises RecipeError if the encoder takes no tokens of a vocabulary, or no shares."""
        super().__init__(settings, encoder)
        texts = text_encoder(encoder)
        if settings.hidden + settings.replaced > 1:
            raise RecipeError(
                "pretext: expected hidden + replaced of at most 1, found "
                f"{settings.hidden} + {settings.replaced}"
            )
        if texts.vocabulary_size <= texts.first_maskable:
            raise RecipeError("encoder.vocabulary: expected tokens beside the special ones")
        width = texts.token_width
        self.head = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.LayerNorm(width))
        self.bias = nn.Parameter(torch.zeros(texts.vocabulary_size))

    def example(self, sample: Sample, draw: Draw) -> MaskedText:
        """Raises UnreadableItem if there are too few tokens to hide some of them."""
        texts = text_encoder(self.encoder)
        truth = texts.numbers(sample)
        maskable = truth >= texts.first_maskable
        if maskable.sum() < 2:
            raise UnreadableItem(draw.item, "2 or more known tokens", str(maskable.sum()))
        predicted = self.settings.mask.plan(maskable, draw.rng("mask"))
        return MaskedText(self._changed(truth, predicted, draw), predicted, truth)

    def _changed(self, truth: np.ndarray, predicted: np.ndarray, draw: Draw) -> np.ndarray:
        """What the encoder sees, (L,)."""
        texts, rng = text_encoder(self.encoder), draw.rng("change")
        fate = rng.random(len(truth))
        others = rng.integers(texts.first_maskable, texts.vocabulary_size, len(truth))
        hidden, replaced = self.settings.hidden, self.settings.replaced
        shown = np.where(predicted & (fate < hidden), texts.mask_number, truth)
        return np.where(predicted & (fate >= hidden) & (fate < hidden + replaced), others, shown)

    def collate(self, examples: Sequence[MaskedText]) -> MaskedTexts:
        shown, valid = pad_numbers([example.shown for example in examples])
        predicted, _ = pad_numbers([example.predicted for example in examples])
        truth, _ = pad_numbers([example.truth for example in examples])
        return MaskedTexts(shown, valid, predicted, truth)

    def forward(self, batch: MaskedTexts) -> Loss:
        texts = text_encoder(self.encoder)
        states = texts.encode_numbers(batch.shown, batch.valid)[batch.predicted]
        scores = F.linear(self.head(states), texts.token_vectors(), self.bias)
        total = token_cross_entropy_loss(scores, batch.truth[batch.predicted])
        return Loss(total, count=batch.predicted.sum())


def text_encoder(encoder: Encoder) -> TokenEncoder:
    """The encoder as a `TokenEncoder`. Raises RecipeError if it is not one."""
    if not isinstance(encoder, TokenEncoder):
        raise RecipeError(
            f"encoder: {type(encoder).__name__} takes no tokens of a vocabulary: it is no "
            "TokenEncoder (unlabeled.contract). Choose one of texts."
        )
    return encoder
