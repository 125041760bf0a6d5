"""Encoders with feature maps, for dense pretexts and probes."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from unlabeled.contract import Encoder
from unlabeled.errors import RecipeError
from unlabeled_medical.volume import VolumeBatch


class MapEncoder(ABC):
    """An encoder with feature maps.

    strides, map_widths: voxels per place and channels of each map, finest first; channels, rank: of
    the input; centred: whether a place lies at the middle of its voxels, or at their first.
    """

    strides: tuple[int, ...]
    centred: bool
    map_widths: tuple[int, ...]
    channels: int
    rank: int

    @abstractmethod
    def maps(self, batch: VolumeBatch) -> list[Tensor]:
        """One (N, D, *S) per stride, S the sizes of the input over the stride, rounded up."""


def mappable(encoder: Encoder) -> MapEncoder:
    """The encoder as one with feature maps. Raises RecipeError if it has none."""
    if not isinstance(encoder, MapEncoder):
        raise RecipeError(
            f"encoder: {type(encoder).__name__} has no feature maps, which this method needs. "
            "Choose medical/residual, medical/swin or medical/vit."
        )
    return encoder


def sizes_of(valid: Tensor) -> Tensor:
    """(N, rank) voxels along each axis before the padding of (N, *S) begins."""
    axes = range(1, valid.ndim)
    lengths = [
        valid.any(dim=[other for other in axes if other != axis]).sum(dim=1) for axis in axes
    ]
    return torch.stack(lengths, dim=1)


class UpDecoder(nn.Module):
    """From one map back to voxels: transposed convolutions that double, halving the width."""

    def __init__(self, width: int, stride: int, rank: int, out: int) -> None:
        """stride: a power of 2; out: channels per voxel. Raises RecipeError."""
        super().__init__()
        if stride & (stride - 1):
            raise RecipeError(f"encoder: maps must lie 2, 4, 8 … voxels apart, found {stride}")
        up, last = {2: (nn.ConvTranspose2d, nn.Conv2d), 3: (nn.ConvTranspose3d, nn.Conv3d)}[rank]
        layers: list[nn.Module] = []
        for _ in range(stride.bit_length() - 1):
            layers += [up(width, max(width // 2, 16), 2, 2), nn.LeakyReLU(0.01)]
            width = max(width // 2, 16)
        self.layers = nn.Sequential(*layers, last(width, out, 1))

    def forward(self, x: Tensor, size: tuple[int, ...]) -> Tensor:
        """x: (N, D, *G). Returns (N, out, *size), cut where the grid reaches further."""
        voxels: Tensor = self.layers(x)
        return voxels[(slice(None), slice(None), *[slice(length) for length in size])]
