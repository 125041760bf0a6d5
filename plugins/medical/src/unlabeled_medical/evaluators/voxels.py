"""Features of every voxel, from the maps of a frozen or of a trained encoder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from unlabeled_medical.encoders.maps import MapEncoder
from unlabeled_medical.volume import VolumeBatch


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


def voxel_features(encoder: MapEncoder, batch: VolumeBatch) -> VoxelFeatures:
    """Of a batch of one volume."""
    maps = [values[0] for values in encoder.maps(batch)]
    size = tuple(batch.values.shape[2:])
    return VoxelFeatures(maps, encoder.strides, size, encoder.centred)


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
