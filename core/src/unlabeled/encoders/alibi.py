"""Attention with linear biases on grids of any rank, within one sensor or across two.

Attention falls with the distance between tokens, so no position is learned and inputs may be
larger than in training. Sources: Press et al., ICLR 2022, arXiv:2108.12409; on two axes and across
sensors Fuller et al., NeurIPS 2023, arXiv:2311.00566 (2D-ALiBi and X-ALiBi).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import torch
from torch import Tensor

from unlabeled.encoders.positions import grid_positions


def alibi_slopes(heads: int) -> Tensor:
    """A slope per head, (heads,).

    For a power of two the geometric series 2^(-8/heads), squared, cubed …; otherwise the slopes of
    the next smaller power of two, then every second one of its double.
    """
    whole = 1 << (heads.bit_length() - 1)
    series = _geometric(whole)
    if whole < heads:
        series = torch.cat([series, _geometric(2 * whole)[::2][: heads - whole]])
    return series


def alibi_bias(query: Tensor, key: Tensor, slopes: Tensor) -> Tensor:
    """-slope · Euclidean distance, to be added to the attention scores.

    query: (N, Q, rank), key: (N, K, rank), places in grid steps; slopes: (heads,). Give the same
    places twice within one sensor, those of two sensors across them. Returns (N, heads, Q, K).
    """
    distance = (
        _pairwise_distances(query, key)
        if torch.compiler.is_exporting()
        # Without the matrix-product form, which is not exact: a token is at distance 0 from itself.
        else torch.cdist(query, key, compute_mode="donot_use_mm_for_euclid_dist")
    )
    return -slopes.view(1, -1, 1, 1) * distance.unsqueeze(1)


def grid_alibi(grid: Sequence[int], slopes: Tensor) -> Tensor:
    """`alibi_bias` of all L tokens of a grid (row-major) to one another, (1, heads, L, L).

    slopes: (heads,), as `alibi_slopes` gives them. The last two tables are kept: tiles of a scene
    have the same one. Not while a graph is traced, which must hold its own.
    """
    if torch.compiler.is_compiling():
        return _of_grid(tuple(grid), slopes)
    return _kept(tuple(grid), len(slopes), slopes.device, slopes.dtype)


@lru_cache(maxsize=2)
def _kept(grid: tuple[int, ...], heads: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    with torch.inference_mode(False):  # what is made there could not be trained with later
        return _of_grid(grid, alibi_slopes(heads).to(device, dtype))


def _of_grid(grid: tuple[int, ...], slopes: Tensor) -> Tensor:
    place = grid_positions(grid, slopes.device).unsqueeze(0)
    return alibi_bias(place, place, slopes)


def _pairwise_distances(query: Tensor, key: Tensor) -> Tensor:
    """`cdist`, (N, Q, K), by operators that ONNX has."""
    return (query.unsqueeze(2) - key.unsqueeze(1)).square().sum(-1).sqrt()


def _geometric(heads: int) -> Tensor:
    return 2.0 ** (-8.0 / heads * torch.arange(1, heads + 1, dtype=torch.float32))
