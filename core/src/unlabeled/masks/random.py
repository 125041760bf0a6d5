"""Random masking: every token is hidden with the same probability, independently but for the count.

Source: He et al., CVPR 2022, arXiv:2111.06377, section 3. On a set of nodes (a grid of rank 1) it
is the node masking of Hou et al., KDD 2022, arXiv:2205.10803.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from unlabeled.masks.selection import hidden_count, hide_first, hide_lines
from unlabeled.settings import Settings


class RandomMask(Settings):
    """Hides single tokens, or whole lines of them when `axes` are given."""

    name: Literal["random"] = "random"
    ratio: float = Field(0.75, gt=0, lt=1, description="share of the available tokens")
    axes: tuple[int, ...] | None = Field(
        None, min_length=1, description="draw on these grid axes, repeat along the others"
    )

    def plan(self, available: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """available: bool, the grid's shape, False is protected or without data.

        Returns bool of the same shape, True is hidden; the count is `hidden_count`. Raises
        ShapeError if fewer than 2 tokens are available.
        """
        return hide_lines(self._plan, available, self.axes, rng)

    def _plan(self, available: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        count = hidden_count(int(available.sum()), self.ratio)
        return hide_first(rng.random(available.shape), available, count, rng)
