"""The batch of every encoder of this plugin: many graphs as one.

Letters in shapes: N graphs, M nodes of all graphs, E directed edges of all graphs, F node
features, K edge features.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor
from torch_geometric.data import Data

from unlabeled.errors import ShapeError
from unlabeled_graph.neighbour_sums import BothWays, both_ways


@dataclass(slots=True)
class GraphBatch:
    """Graphs side by side, without edges between them.

    x: (M, F) float; edge_index: (2, E) int64, source above target, numbered over the batch;
    edge_attr: (E, K) float or None; batch: (M,) int64, the graph of each node, ascending;
    ptr: (N + 1,) int64, the first node of each graph, then M;
    degree: (M,), the edges that end at each node, where the batch lacks some of them.
    The attributes are named as in PyG, so a `torch_geometric.data.Batch` can stand in for it.
    """

    x: Tensor
    edge_index: Tensor
    edge_attr: Tensor | None
    batch: Tensor
    ptr: Tensor
    degree: Tensor | None = None
    _ways: BothWays | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def num_graphs(self) -> int:
        """N. Not `len`, which would fix the number in an exported graph."""
        return self.ptr.shape[0] - 1

    def ways(self) -> BothWays:
        """The layout of the edges for sums over neighbours, made once for all layers."""
        if self._ways is None:
            self._ways = both_ways(self.edge_index, len(self.x))
        return self._ways


def join(samples: Sequence[Data], *, node_features: int, edge_features: int) -> GraphBatch:
    """Join graphs into a batch, in their order. node_features: F; edge_features: K, 0 for none.

    Edge features are left out where K is 0. Raises ShapeError for a graph that does not fit.
    """
    for number, sample in enumerate(samples):
        require_graph(sample, f"graph {number}", node_features, edge_features)
    sizes = torch.tensor([len(sample.x) for sample in samples])
    first = sizes.cumsum(0) - sizes
    edges = [sample.edge_index + start for sample, start in zip(samples, first, strict=True)]
    return GraphBatch(
        x=torch.cat([sample.x for sample in samples]),
        edge_index=torch.cat(edges, dim=1),
        edge_attr=torch.cat([s.edge_attr for s in samples]) if edge_features else None,
        batch=torch.repeat_interleave(torch.arange(len(samples)), sizes),
        ptr=F.pad(sizes.cumsum(0), (1, 0)),
    )


def require_graph(sample: Data, name: str, node_features: int, edge_features: int) -> None:
    """Raises ShapeError unless shapes fit, edges are within the graph and values are finite."""
    x, edges, attributes = sample.x, sample.edge_index, sample.edge_attr
    if x is None or x.ndim != 2 or x.shape[1] != node_features or len(x) == 0:
        found = "none" if x is None else tuple(x.shape)
        raise ShapeError(f"{name}, x: expected (nodes, {node_features}), found {found}")
    if edges is None or edges.ndim != 2 or len(edges) != 2:
        found = "none" if edges is None else tuple(edges.shape)
        raise ShapeError(f"{name}, edge_index: expected (2, edges), found {found}")
    if edges.numel() and not 0 <= int(edges.min()) <= int(edges.max()) < len(x):
        raise ShapeError(
            f"{name}, edge_index: expected node numbers 0 to {len(x) - 1}, "
            f"found {int(edges.min())} to {int(edges.max())}"
        )
    shape = (edges.shape[1], edge_features)
    if edge_features and (attributes is None or tuple(attributes.shape) != shape):
        found = "none" if attributes is None else tuple(attributes.shape)
        raise ShapeError(f"{name}, edge_attr: expected {shape}, found {found}")
    # One sum is cheaper than a test of each value; an overflow only leads to that test.
    if not torch.isfinite(x.sum()) and not torch.isfinite(x).all():
        bad = int((~torch.isfinite(x)).sum())
        raise ShapeError(f"{name}, x: expected finite values, found {bad} NaN or infinite")


def neighbour_means(x: Tensor, edge_index: Tensor) -> Tensor:
    """The mean of x (M, F) over the nodes whose edges end at each node; zeros where none does."""
    source, target = edge_index
    total = torch.zeros_like(x).index_add(0, target, x.index_select(0, source))
    return total / torch.bincount(target, minlength=len(x)).clamp(min=1).unsqueeze(1)
