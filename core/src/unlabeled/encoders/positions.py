"""Position embeddings on grids of any rank, for any size of input.

Letters: L tokens (row-major), D width, rank the number of grid axes.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


def grid_positions(grid: Sequence[int], device: torch.device | None = None) -> Tensor:
    """Each token's place in grid steps, (L, rank), float32."""
    axes = [torch.arange(length, dtype=torch.float32, device=device) for length in grid]
    return torch.stack(torch.meshgrid(axes, indexing="ij"), dim=-1).reshape(-1, len(grid))


def extents(valid: Tensor, grid: Sequence[int]) -> Tensor:
    """How far each sample reaches along each axis: valid (N, L) bool -> (N, rank), in steps."""
    cells = valid.reshape(valid.shape[0], *grid)
    reach = []
    for axis, length in enumerate(grid, start=1):
        others = [other for other in range(1, cells.ndim) if other != axis]
        used = cells.any(dim=others) if others else cells
        reach.append((used * torch.arange(1, length + 1, device=valid.device)).amax(dim=1))
    return torch.stack(reach, dim=1)


def sine_positions(grid: Sequence[int], width: int, device: torch.device | None = None) -> Tensor:
    """Sines and cosines of geometric wavelengths up to 10,000 steps: (1, L, D), float32.

    Source: Vaswani et al., NeurIPS 2017, section 3.5; on several axes each gets an equal share of
    the width (He et al., CVPR 2022). What does not divide evenly stays zero.
    """
    place = grid_positions(grid, device)
    count = width // (2 * len(grid))
    exponent = torch.arange(count, dtype=torch.float32, device=device) / max(count, 1)
    angle = place.unsqueeze(-1) * 10_000.0**-exponent
    code = torch.cat([angle.sin(), angle.cos()], dim=-1).flatten(1)
    return nn.functional.pad(code, (0, width - code.shape[1])).unsqueeze(0)


class LearnedPositions(nn.Module):
    """A learned vector per grid place, (*grid, D).

    A smaller sample takes the first places, because a step keeps its physical size. A larger one
    is stretched over the table by linear interpolation along each axis, each sample by its own
    extent, so that padding changes nothing.
    """

    def __init__(self, grid: Sequence[int], width: int) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.empty(*grid, width))
        nn.init.trunc_normal_(self.table, std=0.02)

    def forward(self, grid: Sequence[int], extent: Tensor) -> Tensor:
        """(1 or N, L, D) for samples of `extent` (N, rank) in a batch of size `grid`."""
        learned = self.table.shape[:-1]
        fits = not torch.compiler.is_exporting() and all(
            length <= known for length, known in zip(grid, learned, strict=True)
        )
        if fits:  # as stretching by 1 would give, which an exported graph does for all sizes
            return self.table[tuple(map(slice, grid))].flatten(0, -2).unsqueeze(0)
        values = self.table.unsqueeze(0)
        for axis, length in enumerate(grid):
            weights = _stretch(length, learned[axis], extent[:, axis]).to(values.dtype)
            values = values.movedim(axis + 1, 1)
            stretched = weights @ values.flatten(2)
            values = stretched.reshape(-1, length, *values.shape[2:]).movedim(1, axis + 1)
        return values.flatten(1, -2)


def _stretch(length: int, known: int, extent: Tensor) -> Tensor:
    """Interpolation weights (N, length, known); a matrix, so that the backward is deterministic."""
    step = torch.arange(length, device=extent.device, dtype=torch.float32)
    scale = known / extent.clamp(min=known).unsqueeze(1)
    place = ((step + 0.5) * scale - 0.5).clamp(0, known - 1)
    nearby = torch.arange(known, device=extent.device)
    return (1 - (place.unsqueeze(-1) - nearby).abs()).clamp(min=0)
