"""Users and items as one bipartite graph: the sample of recommendation.

Letters in shapes: U users, I items, E interactions.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class Interactions:
    """The items of every user, numbered from 0 on both sides.

    user, item: (E,) int64, sorted by user, then item, no pair twice; digest: of the names and
    pairs, equal for equal interactions alone.
    """

    user: np.ndarray
    item: np.ndarray
    users: int
    items: int
    digest: str = ""

    def __len__(self) -> int:
        return len(self.user)

    @cached_property
    def first(self) -> np.ndarray:
        """The place of each user's first pair, and E behind them; shape U + 1, int64."""
        return np.concatenate([[0], np.cumsum(np.bincount(self.user, minlength=self.users))])

    @cached_property
    def by_item(self) -> np.ndarray:
        """Places of the pairs, (E,), sorted by item, then user."""
        return np.argsort(self.item, kind="stable")

    @cached_property
    def rankable(self) -> np.ndarray:
        """Places of the pairs whose user lacks some item, (n,)."""
        return np.flatnonzero(np.diff(self.first)[self.user] < self.items)

    def others(self, user: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """For each of the users (P,), who lack some item, one that they lack, drawn evenly: (P,).

        Nothing is rejected: the r-th lacking item is r plus the number of own items before it, and
        own item k has k own items before it.
        """
        rank = (rng.random(len(user)) * (self.items - np.diff(self.first)[user])).astype(np.int64)
        wanted = user * (self.items + 1) + rank
        before = np.searchsorted(self._lacking_before, wanted, side="right") - self.first[user]
        return np.asarray(rank + before)

    @cached_property
    def _lacking_before(self) -> np.ndarray:
        """How many lacking items come before each own item, in one ascending order of all users."""
        place = np.arange(len(self)) - self.first[self.user]
        return np.asarray(self.user * (self.items + 1) + self.item - place)
