"""Group masked model learning: all patches are seen, groups of them corrupted, and reconstructed.

Source: Atito et al. 2022, arXiv:2205.14986 (GMML). The encoder runs every patch, so it needs no
decoder: a linear map of each token predicts its clean values. Departs from the authors' code: a
patch is corrupted as a whole, by zeros or by another patch of the same sample, where they fill
blocks of pixels with noise, zeros or pieces of another image; tokens are those of the last block,
not the mean of four.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

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
from unlabeled.masks.corruption import ZERO, Corruption
from unlabeled.masks.groups import GroupMask
from unlabeled.masks.planner import Mask
from unlabeled.objectives.masked_regression import Distance, masked_regression_loss
from unlabeled.pretexts.masking import hide, maskable
from unlabeled.pretexts.presence import where_present
from unlabeled.pretexts.showing import work_of
from unlabeled.randomness import Draw
from unlabeled.settings import Settings


class GMMLSettings(Settings):
    mask: Mask = Field(GroupMask(), description="which patches are corrupted")
    corruption: Corruption = Field(Corruption(), description="what becomes of them")
    distance: Distance = Field("l1", description="how predictions are compared")


@dataclass(slots=True)
class Corrupted:
    """One sample. valid, hidden: bool; source: int64, of the sample's grid (see `Corruption`)."""

    sample: Sample
    valid: np.ndarray
    hidden: np.ndarray
    source: np.ndarray


@dataclass(slots=True)
class CorruptedBatch:
    """places, source, hidden: (N, K) for the K tokens of the largest sample: position in the
    batch's grid (-1 is padding), index of the token whose values it shows, and whether it is
    predicted."""

    batch: Batch
    places: Tensor
    source: Tensor
    hidden: Tensor


class GMML(Pretext, ShowsWork):
    """Corrupt groups of patches, encode all, predict the clean values of the corrupted ones."""

    settings_type = GMMLSettings
    settings: GMMLSettings

    def __init__(self, settings: GMMLSettings, encoder: Encoder) -> None:
        """Raises RecipeError if the encoder's input cannot be corrupted."""
        super().__init__(settings, encoder)
        patches = maskable(encoder)
        self.prediction = nn.Linear(patches.token_width, patches.patch_values)

    def example(self, sample: Sample, draw: Draw) -> Corrupted:
        valid = maskable(self.encoder).grid(sample)
        hidden = hide(valid, self.settings.mask, draw)
        source = self.settings.corruption.plan(hidden, valid, draw.rng("corruption"))
        return Corrupted(sample, valid, hidden, source)

    def collate(self, examples: Sequence[Corrupted]) -> CorruptedBatch:
        grid = np.max([example.valid.shape for example in examples], axis=0)
        rows = [_rows(example, tuple(grid)) for example in examples]
        places, source, hidden = (
            nn.utils.rnn.pad_sequence(list(column), batch_first=True, padding_value=-1)
            for column in zip(*rows, strict=True)
        )
        batch = self.encoder.collate([example.sample for example in examples])
        return CorruptedBatch(batch, places, source, hidden > 0)

    def forward(self, batch: CorruptedBatch) -> Loss:
        encoder = maskable(self.encoder)
        tokens = encoder.encode_visible(batch.batch, batch.places, source=batch.source)
        patches, known = encoder.patches(batch.batch)
        counts = batch.hidden.unsqueeze(-1).expand(*batch.hidden.shape, patches.shape[-1])
        if known is not None:
            counts = counts & take_tokens(known, batch.places)
        counts = where_present(self.encoder, batch.batch, counts)
        loss = masked_regression_loss(
            self.prediction(tokens),
            take_tokens(patches, batch.places),
            weight=counts,
            distance=self.settings.distance,
        )
        return Loss(loss, count=counts.sum())

    @torch.inference_mode()
    def show_work(self, item: Item, sample: Sample, draw: Draw, reader: Previews) -> Work | None:
        batch = self.collate([self.example(sample, draw)])
        tokens = maskable(self.encoder).encode_visible(
            batch.batch, batch.places, source=batch.source
        )
        places = torch.where(batch.hidden, batch.places, -1)
        found = places, self.prediction(tokens)
        return work_of(self.encoder, batch.batch, found, (item, sample), reader)


def _rows(example: Corrupted, grid: tuple[int, ...]) -> tuple[Tensor, Tensor, Tensor]:
    """places, source and hidden of one sample's valid tokens, (K,) int64 each, in `grid`."""
    source = example.source[example.valid]
    shown = np.ravel_multi_index(np.unravel_index(np.maximum(source, 0), example.valid.shape), grid)
    places = np.ravel_multi_index(np.nonzero(example.valid), grid)
    return (
        torch.from_numpy(places),
        torch.from_numpy(np.where(source == ZERO, ZERO, shown)),
        torch.from_numpy(example.hidden[example.valid].astype(np.int64)),
    )
