"""Patches of signals, images and volumes: grids of rank 1, 2 and 3 alike.

Letters: N batch, C channels, S the sizes of the axes, L tokens (row-major over the grid), P the
values of one patch, ordered channel first, then axis by axis: the order of a convolution's weight.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unlabeled.errors import ShapeError


def grid_of(size: Sequence[int], patch: Sequence[int]) -> tuple[int, ...]:
    """The token grid of an input of `size`; a patch that is not full counts as one."""
    # Not -(-s // p): ONNX rounds the quotient of a negative number towards zero.
    return tuple((s + p - 1) // p for s, p in zip(size, patch, strict=True))


def pad_to_patches(x: Tensor, patch: Sequence[int]) -> Tensor:
    """Zeros (False) at the end of the last axes, up to whole patches: (..., *S) -> (..., *S')."""
    missing = [-s % p for s, p in zip(x.shape[-len(patch) :], patch, strict=True)]
    # An exported graph must not remember whether its example was whole patches long.
    if not torch.compiler.is_exporting() and not any(missing):
        return x
    return F.pad(x, [side for m in reversed(missing) for side in (0, m)])


def patchify(x: Tensor, patch: Sequence[int]) -> Tensor:
    """(N, C, *S) -> (N, L, P). Raises ShapeError if an axis is not whole patches long."""
    rank = len(patch)
    whole = torch.compiler.is_exporting() or not any(
        s % p for s, p in zip(x.shape[2:], patch, strict=True)
    )
    if x.ndim != rank + 2 or not whole:
        raise ShapeError(
            f"patches of {tuple(patch)} need (N, C, *sizes) with sizes that are multiples of it; "
            f"found {tuple(x.shape)}. `pad_to_patches` makes them so."
        )
    grid = grid_of(x.shape[2:], patch)
    split = [length for pair in zip(grid, patch, strict=True) for length in pair]
    cells, inner = range(2, 2 + 2 * rank, 2), range(3, 3 + 2 * rank, 2)
    x = x.reshape(*x.shape[:2], *split).permute(0, *cells, 1, *inner)
    return x.reshape(x.shape[0], math.prod(grid), -1)


def unpatchify(patches: Tensor, size: Sequence[int], patch: Sequence[int]) -> Tensor:
    """The inverse of `patchify` and `pad_to_patches`: (N, L, P) -> (N, C, *size)."""
    grid, rank = grid_of(size, patch), len(patch)
    x = patches.reshape(len(patches), *grid, -1, *patch)
    order = [axis for n in range(rank) for axis in (1 + n, 2 + rank + n)]
    x = x.permute(0, 1 + rank, *order)
    whole = [cells * side for cells, side in zip(grid, patch, strict=True)]
    x = x.reshape(len(patches), -1, *whole)
    for axis, length in enumerate(size, start=2):
        x = x.narrow(axis, 0, length)
    return x


def valid_patches(
    x: Tensor, valid: Tensor | None, patch: Sequence[int]
) -> tuple[Tensor, Tensor | None]:
    """Patches of an input of any size, and which of their values are data.

    x: (N, C, *S); valid: bool, broadcastable to (N, *S), None is all. Returns (N, L, P) with zeros
    where there are no data (also for NaN), and (N, L, P) bool, None if all are. Raises ShapeError.
    """
    if x.ndim != len(patch) + 2:
        raise ShapeError(
            f"patches of {tuple(patch)} need (N, C, *sizes) with {len(patch)} sizes; "
            f"found {tuple(x.shape)}"
        )
    padded = pad_to_patches(x, patch)
    if valid is None and padded is x:
        return patchify(x, patch), None
    if valid is None:
        valid = torch.ones((), dtype=torch.bool, device=x.device)
    known = pad_to_patches(valid.expand(x.shape[0], *x.shape[2:]), patch).unsqueeze(1)
    padded = torch.where(known, padded, 0)
    return patchify(padded, patch), patchify(known.expand_as(padded), patch)


def take_tokens(x: Tensor, index: Tensor) -> Tensor:
    """Some tokens of each sample: x (N or 1, L, ...), index (N, K) -> (N, K, ...).

    A negative index, which stands for padding, takes token 0. The backward is deterministic.
    """
    rows = index.clamp(min=0)
    if len(x) > 1:
        rows = rows + x.shape[1] * torch.arange(len(x), device=x.device).unsqueeze(1)
    return x.flatten(0, 1).index_select(0, rows.flatten()).reshape(*index.shape, *x.shape[2:])


class PatchEmbedding(nn.Module):
    """A linear map of each patch: (N, L, P) -> (N, L, D). As a convolution with kernel = stride."""

    def __init__(self, channels: int, patch: Sequence[int], width: int) -> None:
        super().__init__()
        self.patch = tuple(patch)
        self.projection = nn.Linear(channels * math.prod(patch), width)

    def forward(self, patches: Tensor) -> Tensor:
        tokens: Tensor = self.projection(patches)
        return tokens
