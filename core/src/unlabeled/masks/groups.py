"""Grouped masking: connected blocks of many sizes, up to a large part of the sample.

Source: Atito et al. 2022, arXiv:2205.14986 (GMML). Departs from its code: the count is exact, the
generator is given, and blocks wrap around the borders, where the official ones hide the corners
four times less often than the centre.
"""

from __future__ import annotations

from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from unlabeled.masks.selection import hidden_count, hide_first
from unlabeled.settings import Settings


class GroupMask(Settings):
    """Hides boxes, each of its own random size, until a random amount is reached."""

    name: Literal["groups"] = "groups"
    lowest: float = Field(0.5, gt=0, lt=1, description="smallest share of the available tokens")
    highest: float = Field(0.75, gt=0, lt=1, description="largest share of the available tokens")
    largest: float = Field(0.3, gt=0, le=1, description="longest side, as a share of the grid's")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.lowest > self.highest:
            raise ValueError(f"lowest ({self.lowest}) is above highest ({self.highest})")
        return self

    def plan(self, available: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """available: bool, the grid's shape, False is protected or without data.

        Returns bool of the same shape, True is hidden; the count is `hidden_count` of a share
        drawn between `lowest` and `highest`. Raises ShapeError if fewer than 2 are available.
        """
        ratio = rng.uniform(self.lowest, self.highest)
        count = hidden_count(int(available.sum()), ratio)
        order = np.full(available.shape, np.inf)
        turn = covered = 0
        while covered < count:
            box = self._box(available.shape, rng)
            covered += int((np.isinf(order[box]) & available[box]).sum())
            order[box] = np.minimum(order[box], turn)
            turn += 1
        return hide_first(order, available, count, rng)

    def _box(self, shape: tuple[int, ...], rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        ranges = []
        for length in shape:
            side = int(rng.integers(1, max(int(self.largest * length), 1) + 1))
            ranges.append((rng.integers(length) + np.arange(side)) % length)
        return np.ix_(*ranges)
