"""Classical speckle filters on intensity, to compare learned ones with."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor


def boxcar(intensity: np.ndarray, size: int) -> np.ndarray:
    """The mean over size × size pixels; borders are reflected. intensity: (H, W)."""
    kernel = torch.full((1, size, size), 1.0 / size**2, dtype=torch.float64)
    return np.asarray(_convolve(_as_tensor(intensity), kernel)[0].numpy())


def refined_lee(intensity: np.ndarray, looks: float = 1.0) -> np.ndarray:
    """Lee's refined filter, 7 × 7: local statistics on a pixel's side of an edge.

    Source: Lee 1981, Computer Graphics and Image Processing 17. intensity: (H, W), not negative;
    looks: of the input, so that speckle has a squared variation of 1 / looks.
    """
    x = _as_tensor(intensity)
    sides = _sides()
    mean = _convolve(x, sides / sides.sum(dim=(1, 2), keepdim=True))
    square = _convolve(x.square(), sides / sides.sum(dim=(1, 2), keepdim=True))
    chosen = _side(x).unsqueeze(0)
    local = mean.gather(0, chosen)[0]
    variance = (square.gather(0, chosen)[0] - local.square()).clamp(min=0)
    noise = 1 / looks
    signal = ((variance - local.square() * noise) / (1 + noise)).clamp(min=0)
    gain = torch.where(variance > 0, signal / variance.clamp(min=1e-300), 0)
    return np.asarray((local + gain * (x - local)).numpy())


def _side(x: Tensor) -> Tensor:
    """Which of the eight half windows each pixel belongs to, (H, W) long.

    The strongest of four gradients over the 3 × 3 means of the window gives the edge's direction;
    of its two sides the one whose mean is nearer to the centre's is taken.
    """
    cells = _convolve(x, _cells())
    grid = {(row, column): cells[3 * row + column] for row in range(3) for column in range(3)}
    gradients = torch.stack(
        [
            grid[0, 2] + grid[1, 2] + grid[2, 2] - grid[0, 0] - grid[1, 0] - grid[2, 0],
            grid[0, 1] + grid[0, 2] + grid[1, 2] - grid[1, 0] - grid[2, 0] - grid[2, 1],
            grid[0, 0] + grid[0, 1] + grid[0, 2] - grid[2, 0] - grid[2, 1] - grid[2, 2],
            grid[0, 0] + grid[0, 1] + grid[1, 0] - grid[1, 2] - grid[2, 1] - grid[2, 2],
        ]
    )
    direction = gradients.abs().argmax(dim=0)
    ahead = torch.stack([grid[1, 2], grid[0, 2], grid[0, 1], grid[0, 0]])
    behind = torch.stack([grid[1, 0], grid[2, 0], grid[2, 1], grid[2, 2]])
    near = [(side.gather(0, direction[None])[0] - grid[1, 1]).abs() for side in (ahead, behind)]
    return direction + 4 * (near[1] < near[0])


def _cells() -> Tensor:
    """(9, 7, 7): means over 3 × 3 pixels, two apart."""
    kernels = torch.zeros(9, 7, 7, dtype=torch.float64)
    for row in range(3):
        for column in range(3):
            kernels[3 * row + column, 2 * row : 2 * row + 3, 2 * column : 2 * column + 3] = 1 / 9
    return kernels


def _sides() -> Tensor:
    """(8, 7, 7): right, upper right, top, upper left, and their opposites; all with the centre."""
    row, column = torch.meshgrid(torch.arange(-3, 4), torch.arange(-3, 4), indexing="ij")
    ahead = [column >= 0, column - row >= 0, row <= 0, column + row <= 0]
    behind = [column <= 0, column - row <= 0, row >= 0, column + row >= 0]
    return torch.stack([*ahead, *behind]).double()


def _convolve(x: Tensor, kernels: Tensor) -> Tensor:
    """x: (H, W), kernels: (K, size, size) -> (K, H, W), borders reflected."""
    margin = kernels.shape[-1] // 2
    padded = F.pad(x[None, None], (margin,) * 4, mode="reflect")
    return F.conv2d(padded, kernels.unsqueeze(1))[0]


def _as_tensor(intensity: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(intensity, dtype=np.float64))
