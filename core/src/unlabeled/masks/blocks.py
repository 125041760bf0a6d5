"""Block masking: tokens are hidden in cubes, so that neighbours do not reveal the answer.

Source: the clustered patches of Gong et al., AAAI 2022, arXiv:2110.09784 (SSAST); on one axis the
spans of Baevski et al., NeurIPS 2020, arXiv:2006.11477; with `axes` the tubes of Tong et al.,
NeurIPS 2022, arXiv:2203.12602, and the time and frequency masks of Liu et al. 2021,
arXiv:2007.06028.

Departs from SSAST's code, whose blocks grow upwards only and whose surplus is cut from one side:
there the rows of an 8 × 64 grid are hidden between 41 and 89 % of the time when 78 % is asked for.
Here a block that leaves the grid on one side comes in on the other, so that on a full grid every
token is hidden equally often, exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from unlabeled.masks.selection import hidden_count, hide_first, hide_lines
from unlabeled.settings import Settings


class BlockMask(Settings):
    """Hides cubes of one size per sample until the count is reached; they may overlap."""

    name: Literal["blocks"] = "blocks"
    ratio: float = Field(0.75, gt=0, lt=1, description="share of the available tokens")
    smallest: int = Field(3, ge=1, description="smallest side of a block, in tokens")
    largest: int = Field(5, ge=1, description="largest side of a block, in tokens")
    axes: tuple[int, ...] | None = Field(
        None, min_length=1, description="draw on these grid axes, repeat along the others"
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.smallest > self.largest:
            raise ValueError(f"smallest ({self.smallest}) is above largest ({self.largest})")
        return self

    def plan(self, available: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """available: bool, the grid's shape, False is protected or without data.

        Returns bool of the same shape, True is hidden; the count is `hidden_count`, the surplus
        of the last block is cut at random. A block is never longer than the grid. Raises
        ShapeError if fewer than 2 tokens are available.
        """
        return hide_lines(self._plan, available, self.axes, rng)

    def _plan(self, available: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        count = hidden_count(int(available.sum()), self.ratio)
        side = int(rng.integers(self.smallest, self.largest + 1))
        sides = [min(side, length) for length in available.shape]
        return hide_first(first_covered(available.shape, sides, rng), available, count, rng)


def first_covered(
    shape: Sequence[int], sides: Sequence[int], rng: np.random.Generator
) -> np.ndarray:
    """When each token is first covered, if blocks are laid at all places in random order.

    A place's turn is a uniform number; a token is covered by the earliest of the blocks that reach
    it, so the turn is a running minimum along each axis. Returns float, of `shape`.
    """
    turn = rng.random(tuple(shape))
    for axis, side in enumerate(sides):
        turn = np.min([np.roll(turn, step, axis) for step in range(side)], axis=0)
    return turn
