"""Shared by pretexts that mask patches: access to the encoder, and masked batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from unlabeled.contract import Batch, Encoder, PatchEncoder, Sample
from unlabeled.encoders.pooling import masked_mean
from unlabeled.errors import RecipeError, UnreadableItem
from unlabeled.masks.planner import Mask
from unlabeled.masks.split import Split, split_tokens
from unlabeled.randomness import Draw
from unlabeled.teachers import Teacher


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


def maskable(encoder: Encoder) -> PatchEncoder:
    """The encoder as a `PatchEncoder`. Raises RecipeError if it is not one."""
    if not isinstance(encoder, PatchEncoder):
        raise RecipeError(
            f"encoder: {type(encoder).__name__} cannot run on some of its tokens only: it is no "
            "PatchEncoder (unlabeled.contract). Choose one built on patches."
        )
    return encoder


def hide(grid: np.ndarray, mask: Mask, draw: Draw, purpose: str = "mask") -> np.ndarray:
    """Which tokens of one sample are hidden, of the grid's shape; grid: bool, which hold data.

    Raises UnreadableItem if there are too few to hide some of them.
    """
    if grid.sum() < 2:
        raise UnreadableItem(draw.item, "2 or more patches with data", f"{grid.sum()}")
    return mask.plan(grid, draw.rng(purpose))


def mask_sample(encoder: Encoder, mask: Mask, sample: Sample, draw: Draw) -> Masked:
    """One sample and its mask. Raises UnreadableItem."""
    valid = maskable(encoder).grid(sample)
    return Masked(sample, valid, hide(valid, mask, draw))


def collate_masked(encoder: Encoder, examples: Sequence[Masked]) -> MaskedBatch:
    """Join samples, and their masks, of unequal size."""
    split = split_tokens([e.valid for e in examples], [e.hidden for e in examples])
    return MaskedBatch(encoder.collate([e.sample for e in examples]), split)


@torch.no_grad()
def taught_tokens(teacher: Teacher, batch: Batch, split: Split) -> tuple[Tensor, Tensor]:
    """A teacher's output for whole samples, without gradient.

    Returns its tokens at the hidden places, (N, H, D), and its mean over all tokens, (N, D).
    """
    teacher.copy_buffers()
    places = torch.cat([split.hidden, split.visible], dim=1)
    tokens = maskable(teacher.encoder).encode_visible(batch, places)
    return tokens[:, : split.hidden.shape[1]], mean_over_places(tokens, places)


def mean_over_places(tokens: Tensor, places: Tensor) -> Tensor:
    """The mean of each sample's tokens (N, K, D) at `places` (N, K), -1 is padding: (N, D)."""
    return masked_mean(tokens, places >= 0)
