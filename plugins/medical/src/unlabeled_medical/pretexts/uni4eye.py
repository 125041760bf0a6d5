"""Masked autoencoding of images and volumes together, with the gradient map as a second target.

Source: Cai et al., MICCAI 2022, arXiv:2203.04614 (Uni4Eye). The encoder sees a few patches of an
image or a volume; the decoder predicts the hidden ones twice: their values, and the map of their
gradients, |Sobel| of 5 voxels a side averaged over the axes. With m the hidden patches of all,

    L = sum_m mse(values) / #m + gradient_weight · sum_m mse(gradients) / #m

Images and volumes share the blocks of encoder and decoder; patch embeddings and the last layers
are their own.

Departs from the paper: the two branches of the decoder part at its last layer; images and volumes
are mixed in every batch, where epochs alternate there; Sobel's kernel is divided by its gain, so
that the map is in units of the image per voxel, and nothing is cut to 8 bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from unlabeled.contract import Encoder, Loss, Pretext
from unlabeled.distributed import global_mean
from unlabeled.encoders.patches import take_tokens
from unlabeled.encoders.token_transformer import TokenDecoder
from unlabeled.errors import RecipeError
from unlabeled.masks.planner import Mask
from unlabeled.masks.random import RandomMask
from unlabeled.pretexts.masked_autoencoder import DecoderSettings
from unlabeled.pretexts.masking import Masked, MaskedBatch, collate_masked, mask_sample
from unlabeled.randomness import Draw
from unlabeled.settings import Settings
from unlabeled_medical.encoders.uni_vit import UniViT, by_rank, share
from unlabeled_medical.encoders.vit import ViT
from unlabeled_medical.volume import Volume, VolumeBatch

DERIVATIVE = torch.tensor([-1.0, -2.0, 0.0, 2.0, 1.0]) / 8
SMOOTHING = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0]) / 16


class Uni4EyeSettings(Settings):
    mask: Mask = Field(RandomMask(ratio=0.75), description="which patches are hidden")
    decoder: DecoderSettings = Field(
        DecoderSettings(), description="a light transformer; thrown away after training"
    )
    gradient_weight: float = Field(1.0, ge=0, description="weight of the gradient map")


@dataclass(slots=True)
class Example:
    image: Masked
    gradient: Volume


@dataclass(slots=True)
class RankBatch:
    """The images, or the volumes, of a batch, and their gradient maps."""

    images: MaskedBatch
    gradients: VolumeBatch


class Uni4Eye(Pretext):
    """Needs the encoder `medical/uni_vit`; takes images, volumes, or both."""

    settings_type = Uni4EyeSettings
    settings: Uni4EyeSettings
    encoder: UniViT

    def __init__(self, settings: Uni4EyeSettings, encoder: Encoder) -> None:
        """Raises RecipeError for another encoder."""
        super().__init__(settings, encoder)
        if not isinstance(encoder, UniViT):
            raise RecipeError(
                f"encoder: uni4eye needs medical/uni_vit, found {type(encoder).__name__}"
            )
        self.decoders = nn.ModuleDict(
            {rank: self._decoder(branch) for rank, branch in encoder.branches.items()}
        )
        first, *others = self.decoders.values()
        for other in others:
            share(first, other, "blocks")

    def _decoder(self, branch: nn.Module) -> TokenDecoder:
        assert isinstance(branch, ViT)
        chosen = self.settings.decoder
        return TokenDecoder(
            branch.token_width,
            2 * branch.patch_values,
            width=chosen.width,
            depth=chosen.depth,
            heads=chosen.heads,
        )

    def example(self, sample: Volume, draw: Draw) -> Example:
        branch = self.encoder.branch(len(sample.size))
        masked = mask_sample(branch, self.settings.mask, sample, draw)
        return Example(masked, replace(sample, values=gradient_map(sample.values)))

    def collate(self, examples: Sequence[Example]) -> dict[int, RankBatch]:
        rows = by_rank([example.gradient for example in examples])
        batches = {}
        for rank, places in rows.items():
            branch, there = self.encoder.branch(rank), [examples[row] for row in places]
            images = collate_masked(branch, [example.image for example in there])
            gradients = branch.collate([example.gradient for example in there])
            batches[rank] = RankBatch(images, gradients)
        return batches

    def forward(self, batch: dict[int, RankBatch]) -> Loss:
        found = [self._errors(rank, part) for rank, part in batch.items()]
        asked = torch.cat([each[2].flatten() for each in found])
        image, gradient = (
            global_mean(torch.cat([each[n].flatten() for each in found]), asked) for n in (0, 1)
        )
        total = image + self.settings.gradient_weight * gradient
        return Loss(total, {"image": image, "gradient": gradient}, count=asked.sum())

    def _errors(self, rank: int, part: RankBatch) -> tuple[Tensor, Tensor, Tensor]:
        """Mean squared errors of image and gradient map for each hidden patch, (N, H), and which
        patches count."""
        branch, decoder = self.encoder.branch(rank), self.decoders[str(rank)]
        split = part.images.split
        tokens = branch.encode_visible(part.images.batch, split.visible)
        predicted: Tensor = decoder(tokens, split.visible, split.hidden, split.grid)
        values, known = branch.patches(part.images.batch)
        gradients, _ = branch.patches(part.gradients)
        known = take_tokens(known, split.hidden)
        counts = known.sum(dim=-1)
        errors = [
            ((guess - take_tokens(truth, split.hidden)).square() * known).sum(dim=-1)
            / counts.clamp(min=1)
            for guess, truth in zip(predicted.chunk(2, dim=-1), (values, gradients), strict=True)
        ]
        return errors[0], errors[1], (split.hidden >= 0) & (counts > 0)


def gradient_map(values: Tensor) -> Tensor:
    """The mean over axes of |Sobel|, in units of `values` per voxel; values, result: (C, *S).

    Beyond the border the image is mirrored; along an axis of fewer than 3 voxels nothing changes.
    """
    rank = values.ndim - 1
    axes = [axis for axis in range(rank) if values.shape[axis + 1] > 2]
    total = torch.zeros_like(values)
    for axis in axes:
        along = values
        for other in axes:
            along = _filtered(along, other + 1, DERIVATIVE if other == axis else SMOOTHING)
        total = total + along.abs() / rank
    return total


def _filtered(values: Tensor, axis: int, kernel: Tensor) -> Tensor:
    """Correlated along one axis with 5 weights, the border mirrored without its own voxel."""
    rows: Any = values.movedim(axis, -1)
    shape = rows.shape
    padded = F.pad(rows.reshape(-1, 1, shape[-1]), (2, 2), mode="reflect")
    filtered: Tensor = F.conv1d(padded, kernel.to(values).view(1, 1, -1)).reshape(shape)
    return filtered.movedim(-1, axis)
