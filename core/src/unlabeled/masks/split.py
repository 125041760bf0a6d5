"""Join the masks of samples of unequal size into the token indices of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(slots=True)
class Split:
    """The visible and the hidden tokens of a batch.

    grid: that of the batch, the largest along each axis; visible (N, K) and hidden (N, H): long,
    row-major places in it, ascending, -1 is padding. Tokens without data are in neither.
    """

    grid: tuple[int, ...]
    visible: Tensor
    hidden: Tensor

    def complement(self) -> Split:
        """The complement: visible and hidden tokens exchanged."""
        return Split(self.grid, visible=self.hidden, hidden=self.visible)


def split_tokens(valid: Sequence[np.ndarray], hidden: Sequence[np.ndarray]) -> Split:
    """valid, hidden: a bool array per sample, of its own grid's shape; padding comes at the end."""
    grid = tuple(int(length) for length in np.max([grid.shape for grid in valid], axis=0))
    seen = [is_valid & ~is_hidden for is_valid, is_hidden in zip(valid, hidden, strict=True)]
    return Split(grid, _places(seen, grid), _places(hidden, grid))


def _places(masks: Sequence[np.ndarray], grid: tuple[int, ...]) -> Tensor:
    chosen = [np.ravel_multi_index(np.nonzero(mask), grid) for mask in masks]
    places = torch.full((len(masks), max(map(len, chosen))), -1)
    for row, place in zip(places, chosen, strict=True):
        row[: len(place)] = torch.from_numpy(place)
    return places
