"""Policies for edges and features of a graph before it is encoded.

Letters in shapes: N nodes, E directed edges, F node features, K edge features.
"""

from __future__ import annotations

from copy import copy
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor
from torch_geometric.data import Data

from unlabeled.settings import Settings


class EdgePolicy(Settings):
    """Directions, self-loops and duplicates, which differ between data sets; the default changes
    nothing. Merged edges keep the features of the first.
    """

    direction: Literal["keep", "undirected"] = Field(
        "keep", description="undirected adds the opposite of every edge that lacks it"
    )
    self_loops: Literal["keep", "remove", "add"] = Field(
        "keep", description="edges from a node to itself; add gives every node exactly one"
    )
    duplicates: Literal["keep", "merge"] = Field("keep", description="edges with equal ends")

    def apply(self, graph: Data) -> Data:
        """A changed copy. An undirected graph has each of its edges once per direction."""
        changed = copy(graph)
        if self.self_loops != "keep":
            _choose(changed, changed.edge_index[0] != changed.edge_index[1])
        if self.direction == "undirected":
            _mirror(changed)
        if self.direction == "undirected" or self.duplicates == "merge":
            _choose(changed, _first_of_each(changed.edge_index))
        if self.self_loops == "add":
            _add_loops(changed)
        return changed


class FeaturePolicy(Settings):
    """Where node features come from. Never from labels of the graph."""

    name: Literal["given", "degree", "constant"] = "given"
    cap: int = Field(100, gt=0, description="degrees from here on share a column (degree only)")
    scale: Literal["none", "rows", "columns"] = Field(
        "none",
        description="rows: the features of every node sum to 1, as for bags of words; "
        "columns: each has mean 0 and deviation 1 over the nodes of its graph",
    )

    def width(self, given: int) -> int:
        """The columns of x, if the data have `given`."""
        return {"given": given, "degree": self.cap + 1, "constant": 1}[self.name]

    def apply(self, graph: Data) -> Data:
        """A copy with x: (N, width). degree: one-hot of the edges that end at a node."""
        changed = copy(graph)
        count = int(graph.num_nodes)
        if self.name == "constant":
            changed.x = torch.ones(count, 1)
        if self.name == "degree":
            degree = torch.bincount(graph.edge_index[1], minlength=count).clamp(max=self.cap)
            changed.x = torch.zeros(count, self.cap + 1).scatter_(1, degree.unsqueeze(1), 1.0)
        if self.scale == "rows":
            sums = changed.x.sum(1, keepdim=True)
            changed.x = changed.x / torch.where(sums == 0, 1, sums)
        if self.scale == "columns":
            spread = changed.x.std(0, correction=0)
            changed.x = (changed.x - changed.x.mean(0)) / torch.where(spread == 0, 1, spread)
        return changed


def _mirror(graph: Data) -> None:
    graph.edge_index = torch.cat([graph.edge_index, graph.edge_index.flip(0)], dim=1)
    if graph.edge_attr is not None:
        graph.edge_attr = torch.cat([graph.edge_attr, graph.edge_attr])


def _add_loops(graph: Data) -> None:
    """Self-loops have features of zero."""
    nodes = torch.arange(int(graph.num_nodes))
    graph.edge_index = torch.cat([graph.edge_index, nodes.expand(2, -1)], dim=1)
    if graph.edge_attr is not None:
        zeros = graph.edge_attr.new_zeros(len(nodes), graph.edge_attr.shape[1])
        graph.edge_attr = torch.cat([graph.edge_attr, zeros])


def _choose(graph: Data, chosen: Tensor) -> None:
    graph.edge_index = graph.edge_index[:, chosen]
    if graph.edge_attr is not None:
        graph.edge_attr = graph.edge_attr[chosen]


def _first_of_each(edges: Tensor) -> Tensor:
    """Places of the first of all edges with equal ends, in their order."""
    _, kind = torch.unique(edges, dim=1, return_inverse=True)
    first = torch.full((int(kind.max()) + 1 if kind.numel() else 0,), len(kind))
    first = first.scatter_reduce(0, kind, torch.arange(len(kind)), "amin")
    return first.sort().values
