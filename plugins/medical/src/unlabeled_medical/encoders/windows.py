"""Large volumes window by window, so that memory does not grow with them.

Windows lie side by side from a volume's first voxel on, so their places, and a volume's embedding,
do not depend on the rest of the batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product

import torch
from torch import Tensor

from unlabeled_medical.volume import VolumeBatch


def windows(batch: VolumeBatch, side: int) -> Iterator[tuple[tuple[int, ...], VolumeBatch]]:
    """Where they begin, and the windows of `side` voxels that hold data of at least one sample.

    Samples without data in a window are in it too, with `valid` False everywhere. affine and
    present are those of the batch.
    """
    sizes = batch.values.shape[2:]
    for start in product(*(range(0, length, side) for length in sizes)):
        box = tuple(slice(a, a + side) for a in start)
        valid = batch.valid[(slice(None), *box)]
        if valid.any():
            values = batch.values[(slice(None), slice(None), *box)]
            yield start, VolumeBatch(values, valid, batch.present, batch.affine)


def fits_window(batch: VolumeBatch, side: int) -> bool:
    """Whether the batch is pooled in one piece. An exported graph takes nothing larger."""
    if torch.compiler.is_exporting():
        for length in batch.values.shape[2:]:
            torch._check(length <= side)  # type: ignore[no-untyped-call]
        return True
    return max(batch.values.shape[2:]) <= side


def mean_over_windows(
    encode: Callable[[VolumeBatch], tuple[Tensor, Tensor]], batch: VolumeBatch, side: int
) -> Tensor:
    """(N, D): means of windows, weighted by their places.

    encode: gives the means (n, D) of some samples' windows and the places (n,) they are over.
    """
    total: Tensor | None = None
    weight = torch.zeros(len(batch.values), 1, device=batch.values.device)
    for _, window in windows(batch, side):
        rows = window.valid.flatten(1).any(dim=1).nonzero().squeeze(1)
        there = VolumeBatch(*(x.index_select(0, rows) for x in _fields(window)))
        means, places = encode(there)
        share = places.to(means.dtype).unsqueeze(1)
        if total is None:
            total = means.new_zeros(len(batch.values), means.shape[1])
        total = total.index_add(0, rows, means * share)
        weight = weight.to(means.dtype).index_add(0, rows, share)
    assert total is not None  # every sample has at least one voxel
    return total / weight


def _fields(batch: VolumeBatch) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    return batch.values, batch.valid, batch.present, batch.affine
