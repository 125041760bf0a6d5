"""Means of feature maps over regions of a volume, which keep coarse positions.

Each axis of a volume is cut into equal parts, whatever its length; a region is one part of every
axis. Scans of one kind are roughly aligned (chests, heads, slices of one session), so that a probe
may ask for each region by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from unlabeled_medical.encoders.maps import sizes_of
from unlabeled_medical.encoders.windows import windows
from unlabeled_medical.volume import VolumeBatch


def region_means(
    maps: Callable[[VolumeBatch], Sequence[Tensor]],
    strides: Sequence[int],
    batch: VolumeBatch,
    *,
    regions: int,
    side: int,
) -> Tensor:
    """(N, sum of map widths · regions^rank): map after map, channel after channel.

    maps: gives one (n, D, *G) per stride; side: of the windows it is called with, in voxels.
    """
    lengths = sizes_of(batch.valid)
    total: Tensor | float = 0.0
    for start, window in windows(batch, side):
        means = []
        for values, stride in zip(maps(window), strides, strict=True):
            for axis, (begin, places) in enumerate(zip(start, values.shape[2:], strict=True)):
                edges = begin + torch.arange(places + 1, device=values.device) * stride
                shares = shares_of(edges.clamp(max=begin + side), lengths[:, axis], regions)
                turned = values.movedim(axis + 2, -1)
                values = torch.einsum("n...g,nrg->n...r", turned, shares.to(values.dtype))
                values = values.movedim(-1, axis + 2)
            means.append(values.flatten(1))
        total = total + torch.cat(means, dim=1)
    assert isinstance(total, Tensor)  # every sample has at least one voxel
    return total


def shares_of(edges: Tensor, lengths: Tensor, regions: int) -> Tensor:
    """(N, regions, G): the weight of each place of an axis in the mean of each region.

    edges: (G + 1,) voxels where places begin and end; lengths: (N,) voxels of each sample, of
    which a region is an equal part. Rows sum to 1 over all places of a volume.
    """
    bounds = torch.arange(regions + 1, device=edges.device) * lengths[:, None] / regions
    low, high = bounds[:, :-1, None], bounds[:, 1:, None]
    overlap = torch.minimum(high, edges[1:]) - torch.maximum(low, edges[:-1])
    return overlap.clamp(min=0) / (high - low)
