"""The layer of LightGCN: vectors spread over a graph of users and items.

Letters in shapes: U users, I items, M = U + I, E interactions, D width.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from unlabeled_graph.interactions import Interactions
from unlabeled_graph.neighbour_sums import BothWays, Layout, available, plain_sums


@dataclass(slots=True)
class Bipartite:
    """A graph in the layout for sums over neighbours.

    to_users: of shape (U, I), the items of each user; to_items: (I, U), the users of each item.
    """

    to_users: Layout
    to_items: Layout

    @classmethod
    def of(cls, sample: Interactions) -> Bipartite:
        user, item, order = map(torch.from_numpy, (sample.user, sample.item, sample.by_item))
        shape, every = (sample.users, sample.items), torch.arange(len(sample))
        taken = torch.bincount(item, minlength=sample.items).cumsum(0)
        return cls(
            Layout(torch.from_numpy(sample.first), item, every, shape),
            Layout(F.pad(taken, (1, 0)), user.index_select(0, order), order, shape[::-1]),
        )

    @property
    def users(self) -> int:
        return self.to_users.shape[0]

    def without(self, dropped: Tensor) -> Bipartite:
        """The graph that lacks the interactions where `dropped`, (E,) bool in their order."""
        return Bipartite(self.to_users.of_edges(~dropped), self.to_items.of_edges(~dropped))

    def spread(self, vectors: Tensor) -> Tensor:
        """D^-½ A D^-½ x: each node the sum of its neighbours over the root of both degrees.

        vectors: (M, D), users, then items. Returns (M, D); zeros where a node has no neighbour.
        """
        scale = torch.cat([_scale(self.to_users), _scale(self.to_items)]).to(vectors.dtype)
        scaled = vectors * scale[:, None]
        users = _sums(scaled[self.users :], BothWays(self.to_users, self.to_items))
        items = _sums(scaled[: self.users], BothWays(self.to_items, self.to_users))
        return torch.cat([users, items]) * scale[:, None]


def _scale(side: Layout) -> Tensor:
    """1 / sqrt(degree) of the rows; of those without neighbours 1, whose sums are 0."""
    return side.offsets.diff().clamp(min=1).double().rsqrt()


def _sums(values: Tensor, ways: BothWays) -> Tensor:
    """out[i] = Σ over neighbours j of values[j]: (columns, D) → (rows, D)."""
    if available(values):
        return plain_sums(values, ways).to(values.dtype)
    count = ways.into.shape[0]
    rows = torch.arange(count, device=values.device).repeat_interleave(ways.into.offsets.diff())
    return values.new_zeros(count, values.shape[1]).index_add(
        0, rows, values.index_select(0, ways.into.columns)
    )
