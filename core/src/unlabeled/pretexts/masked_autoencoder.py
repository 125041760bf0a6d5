"""Masked autoencoding: see a few patches, predict the values of the others.

Source: He et al., CVPR 2022, arXiv:2111.06377. The encoder runs the visible patches only; a light
decoder, thrown away after training, predicts the hidden ones from them and from their places.
Any mask planner, any grid. What holds no data is neither seen nor asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, cast

import numpy as np
from pydantic import Field
from torch import Tensor

from unlabeled.contract import Batch, Encoder, Loss, Pretext, Sample
from unlabeled.encoders.patches import take_tokens
from unlabeled.encoders.token_transformer import TokenDecoder
from unlabeled.errors import RecipeError, UnreadableItem
from unlabeled.masks.planner import Mask
from unlabeled.masks.random import RandomMask
from unlabeled.masks.split import Split, split_tokens
from unlabeled.objectives.masked_regression import Distance, masked_regression_loss
from unlabeled.randomness import Draw
from unlabeled.settings import Settings


class PatchEncoder(Protocol):
    """What an encoder offers beside the contract, so that its input can be masked.

    Letters: N batch, L tokens of the whole grid (row-major), P values of one patch, K visible
    tokens, D width. A batch's grid is the largest of its samples' along each axis; samples are
    padded at the end.
    """

    token_width: int
    """D."""
    patch_values: int
    """P."""

    def grid(self, sample: Sample) -> np.ndarray:
        """bool, of the shape of the sample's token grid, False where there are no data.

        Runs in data workers: no parameters.
        """

    def patches(self, batch: Batch) -> tuple[Tensor, Tensor | None]:
        """The values to predict, (N, L, P), and which of them are data, (N, L, P) bool or None."""

    def encode_visible(self, batch: Batch, visible: Tensor) -> Tensor:
        """Run some tokens only. visible: (N, K) long, -1 is padding. Returns (N, K, D)."""


class DecoderSettings(Settings):
    """A light transformer; thrown away after training."""

    width: int = Field(128, gt=0, description="width of its tokens")
    depth: int = Field(2, gt=0, description="number of blocks")
    heads: int = Field(4, gt=0, description="attention heads; must divide the width")


class MaskedAutoencoderSettings(Settings):
    mask: Mask = Field(RandomMask(ratio=0.75), description="which patches are hidden")
    decoder: DecoderSettings = DecoderSettings()
    distance: Distance = Field("l2", description="how predictions are compared")
    normalise_target: bool = Field(
        True, description="shift and scale each patch to mean 0 and variance 1 before comparing"
    )


@dataclass(slots=True)
class Masked:
    """One sample. valid, hidden: bool, of the sample's grid."""

    sample: Sample
    valid: np.ndarray
    hidden: np.ndarray


@dataclass(slots=True)
class MaskedBatch:
    batch: Batch
    split: Split


class MaskedAutoencoder(Pretext):
    """Hide patches, encode the rest, predict the hidden values."""

    settings_type = MaskedAutoencoderSettings
    settings: MaskedAutoencoderSettings

    def __init__(self, settings: MaskedAutoencoderSettings, encoder: Encoder) -> None:
        """Raises RecipeError if the encoder cannot be masked."""
        super().__init__(settings, encoder)
        patches = maskable(encoder)
        self.decoder = TokenDecoder(
            patches.token_width,
            patches.patch_values,
            width=settings.decoder.width,
            depth=settings.decoder.depth,
            heads=settings.decoder.heads,
        )

    def example(self, sample: Sample, draw: Draw) -> Masked:
        valid = maskable(self.encoder).grid(sample)
        if valid.sum() < 2:
            raise UnreadableItem(draw.item, "2 or more patches with data", f"{valid.sum()}")
        return Masked(sample, valid, self.settings.mask.plan(valid, draw.rng("mask")))

    def collate(self, examples: Sequence[Masked]) -> MaskedBatch:
        split = split_tokens([e.valid for e in examples], [e.hidden for e in examples])
        return MaskedBatch(self.encoder.collate([e.sample for e in examples]), split)

    def forward(self, batch: MaskedBatch) -> Loss:
        visible, hidden = batch.split.visible, batch.split.hidden
        tokens = maskable(self.encoder).encode_visible(batch.batch, visible)
        prediction = self.decoder(tokens, visible, hidden, batch.split.grid)
        target, weight = self._target(batch.batch, hidden)
        total = masked_regression_loss(
            prediction,
            target,
            weight=weight,
            distance=self.settings.distance,
            normalise_target=self.settings.normalise_target,
        )
        return Loss(total)

    def _target(self, batch: Batch, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """The values of the hidden patches, (N, H, P), and which of them count."""
        patches, known = maskable(self.encoder).patches(batch)
        asked = (hidden >= 0).unsqueeze(-1).expand(*hidden.shape, patches.shape[-1])
        if known is not None:
            asked = asked & take_tokens(known, hidden)
        return take_tokens(patches, hidden), asked


def maskable(encoder: Encoder) -> PatchEncoder:
    """The encoder, seen as one that can be masked. Raises RecipeError if it cannot."""
    needed = ("token_width", "patch_values", "grid", "patches", "encode_visible")
    missing = [name for name in needed if not hasattr(encoder, name)]
    if missing:
        raise RecipeError(
            f"encoder: {type(encoder).__name__} cannot run on some of its tokens only: it lacks "
            f"{', '.join(missing)}. Choose one built on patches."
        )
    return cast(PatchEncoder, encoder)
