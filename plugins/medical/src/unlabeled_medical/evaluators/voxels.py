"""Features of every voxel, from the maps of a frozen or of a trained encoder."""

from __future__ import annotations

import torch
from torch import Tensor

from unlabeled_medical.encoders.maps import MapEncoder
from unlabeled_medical.volume import VolumeBatch


def voxel_features(encoder: MapEncoder, batch: VolumeBatch) -> Tensor:
    """All maps, linearly interpolated at the voxels and joined: (N, sum of widths, *S)."""
    size = tuple(batch.values.shape[2:])
    maps = zip(encoder.maps(batch), encoder.strides, strict=True)
    spread = [at_voxels(values, stride, size, centred=encoder.centred) for values, stride in maps]
    return torch.cat(spread, dim=1)


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
