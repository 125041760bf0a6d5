"""Features of every voxel: the maps of an encoder, or raw values with and without their place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import cast

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from unlabeled.contract import Encoder
from unlabeled_medical.encoders.maps import mappable
from unlabeled_medical.encoders.uni_vit import UniViT
from unlabeled_medical.volume import Volume, VolumeBatch


@dataclass(frozen=True, slots=True, eq=False)
class VoxelFeatures:
    """The features of one volume's voxels: all maps, linearly interpolated there and joined.

    maps: (D, *G) each, one per stride; strides: voxels per place; size: S of the volume; centred:
    whether a place lies at the middle of its voxels, or at their first.
    """

    maps: Sequence[Tensor]
    strides: Sequence[int]
    size: tuple[int, ...]
    centred: bool = True

    def rows(self) -> Tensor:
        """(voxels, F), F the sum of the widths."""
        spread = [self._spread(values, stride) for values, stride in self._each()]
        return torch.cat(spread).flatten(1).T

    def mapped(self, weight: Tensor, bias: Tensor) -> Tensor:
        """(K, *S): a linear map of every voxel's features. weight: (K, F); bias: (K,).

        The maps go through it before they are interpolated, which is the same and much cheaper.
        """
        total = bias.view(-1, *[1] * len(self.size)).expand(-1, *self.size)
        parts = torch.split(weight, [len(values) for values in self.maps], dim=1)
        for part, (values, stride) in zip(parts, self._each(), strict=True):
            total = total + self._spread(torch.tensordot(part, values, 1), stride)
        return total

    def _each(self) -> zip[tuple[Tensor, int]]:
        return zip(self.maps, self.strides, strict=True)

    def _spread(self, values: Tensor, stride: int) -> Tensor:
        return at_voxels(values[None], stride, self.size, centred=self.centred)[0]


Describe = Callable[[Volume], VoxelFeatures]


def frozen(encoder: Encoder) -> Describe:
    """The features of an encoder, in eval mode and without gradient. Raises RecipeError."""
    encoder.eval()
    if not isinstance(encoder, UniViT):
        mappable(encoder)

    def describe(volume: Volume) -> VoxelFeatures:
        return features_of(encoder, volume)

    return torch.no_grad()(describe)


def features_of(encoder: Encoder, volume: Volume) -> VoxelFeatures:
    """With gradient; the maps are on the CPU, wherever the encoder is."""
    encoder = of_rank(encoder, len(volume.size))
    where = next(encoder.parameters()).device
    batch = cast(VolumeBatch, encoder.collate([volume]))
    moved = VolumeBatch(*(getattr(batch, field.name).to(where) for field in fields(batch)))
    maps = mappable(encoder)
    found = [values[0].cpu() for values in maps.maps(moved)]
    return VoxelFeatures(found, maps.strides, volume.size, maps.centred)


def of_rank(encoder: Encoder, rank: int) -> Encoder:
    """One of images and volumes together is here the one of either."""
    return encoder.branch(rank) if isinstance(encoder, UniViT) else encoder


def neighbourhood(volume: Volume) -> VoxelFeatures:
    """The raw baseline: each voxel's own values, means over 3, 7 and 15 voxels a side, and the
    products of each two of them, by which a linear head can separate grey from dark and bright.
    Averages stop at the border.
    """
    parts = [volume.values]
    for side in (3, 7, 15):
        window = (1, *[side] * len(volume.size))
        total, known = (
            ndimage.uniform_filter(x, window, mode="constant")
            for x in (volume.values.numpy(), np.ones(volume.values.shape, np.float32))
        )
        parts.append(torch.from_numpy(total / known))
    return VoxelFeatures([with_products(torch.cat(parts))], (1,), volume.size)


def placed(describe: Describe) -> Describe:
    """Adds the position of a voxel in the volume: its coordinates and their products."""

    def described(volume: Volume) -> VoxelFeatures:
        features = describe(volume)
        axes = [torch.linspace(-1, 1, length) for length in volume.size]
        place = with_products(torch.stack(torch.meshgrid(*axes, indexing="ij")))
        maps, strides = [*features.maps, place], [*features.strides, 1]
        return VoxelFeatures(maps, strides, features.size, features.centred)

    return described


def with_products(values: Tensor) -> Tensor:
    """(C, *S) -> (C (C + 3) / 2, *S): followed by the products of each two of them."""
    first, second = torch.triu_indices(len(values), len(values))
    return torch.cat([values, values[first] * values[second]])


def at_voxels(values: Tensor, stride: int, size: tuple[int, ...], *, centred: bool) -> Tensor:
    """Interpolate (N, D, *G) at every voxel: (N, D, *size), constant beyond the outer places.

    centred: place g lies at voxel (g + 1/2) stride - 1/2, or else at g stride.
    """
    middle = 0.5 if centred else 0.0
    for axis, length in enumerate(size, start=2):
        places = values.shape[axis]
        voxel = torch.arange(length, device=values.device, dtype=torch.float32)
        wanted = ((voxel + middle) / stride - middle).clamp(0, places - 1)
        known = torch.arange(places, device=values.device)
        weights = (1 - (wanted[:, None] - known).abs()).clamp(min=0).to(values.dtype)
        values = torch.tensordot(values, weights, dims=([axis], [1])).movedim(-1, axis)
    return values
