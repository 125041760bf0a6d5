"""Masked autoencoding: see a few patches, predict the values of the others.

Source: He et al., CVPR 2022, arXiv:2111.06377. The encoder runs the visible patches only; a light
decoder, thrown away after training, predicts the hidden ones from them and from their places.
Any mask planner, any grid. Patches without data are neither shown nor predicted.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from pydantic import Field
from torch import Tensor

from unlabeled.contract import (
    Batch,
    Encoder,
    Loss,
    Pretext,
    Previews,
    Sample,
    ShowsWork,
    Work,
)
from unlabeled.data.items import Item
from unlabeled.encoders.patches import take_tokens
from unlabeled.encoders.token_transformer import TokenDecoder
from unlabeled.masks.planner import Mask
from unlabeled.masks.random import RandomMask
from unlabeled.masks.split import Split
from unlabeled.objectives.masked_regression import (
    Distance,
    masked_regression_loss,
    undo_normalisation,
)
from unlabeled.pretexts.masking import Masked, MaskedBatch, collate_masked, mask_sample, maskable
from unlabeled.pretexts.presence import where_present
from unlabeled.pretexts.showing import work_of
from unlabeled.randomness import Draw
from unlabeled.settings import Settings

NORMALISED = (
    "The method predicts each patch but for its mean and spread; the picture takes these from what "
    "was there."
)


class DecoderSettings(Settings):
    """A light transformer; thrown away after training."""

    width: int = Field(128, gt=0, description="width of its tokens")
    depth: int = Field(2, gt=0, description="number of blocks")
    heads: int = Field(4, gt=0, description="attention heads; must divide the width")


class MaskedAutoencoderSettings(Settings):
    mask: Mask = Field(RandomMask(ratio=0.75), description="which patches are hidden")
    complement: bool = Field(
        False, description="also hide what was seen, so that every patch is predicted once"
    )
    decoder: DecoderSettings = DecoderSettings()
    distance: Distance = Field("l2", description="how predictions are compared")
    normalise_target: bool = Field(
        True, description="shift and scale each patch to mean 0 and variance 1 before comparing"
    )


class MaskedAutoencoder(Pretext, ShowsWork):
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
        return mask_sample(self.encoder, self.settings.mask, sample, draw)

    def collate(self, examples: Sequence[Masked]) -> MaskedBatch:
        return collate_masked(self.encoder, examples)

    def forward(self, batch: MaskedBatch) -> Loss:
        splits = [batch.split]
        if self.settings.complement:
            splits.append(batch.split.complement())
        terms = [self._predict(batch.batch, split) for split in splits]
        prediction, target, weight = (torch.cat(x, dim=1) for x in zip(*terms, strict=True))
        total = masked_regression_loss(
            prediction,
            target,
            weight=weight,
            distance=self.settings.distance,
            normalise_target=self.settings.normalise_target,
        )
        return Loss(total, count=weight.sum())

    def _predict(self, batch: Batch, split: Split) -> tuple[Tensor, Tensor, Tensor]:
        """Prediction, target and weight of the hidden patches, (N, H, P) each."""
        tokens = maskable(self.encoder).encode_visible(batch, split.visible)
        prediction = self.decoder(tokens, split.visible, split.hidden, split.grid)
        return prediction, *self._target(batch, split.hidden)

    @torch.inference_mode()
    def show_work(self, item: Item, sample: Sample, draw: Draw, reader: Previews) -> Work | None:
        batch = self.collate([self.example(sample, draw)])
        places = batch.split.hidden
        prediction, target, counts = self._predict(batch.batch, batch.split)
        if self.settings.normalise_target:
            prediction = undo_normalisation(prediction, target, counts)
        note = NORMALISED if self.settings.normalise_target else ""
        return work_of(
            self.encoder, batch.batch, (places, prediction), (item, sample), reader, note
        )

    def _target(self, batch: Batch, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """The values of the hidden patches, (N, H, P), and which of them count."""
        patches, known = maskable(self.encoder).patches(batch)
        counts = (hidden >= 0).unsqueeze(-1).expand(*hidden.shape, patches.shape[-1])
        if known is not None:
            counts = counts & take_tokens(known, hidden)
        return take_tokens(patches, hidden), where_present(self.encoder, batch, counts)
