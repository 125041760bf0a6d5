"""PyG's `GCNConv` with the same parameters and results: neighbours are summed by a product of
sparse matrices, and features that are mostly zero stay sparse."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor
from torch_geometric.nn import GCNConv
from torch_geometric.nn.conv.gcn_conv import gcn_norm
from torch_geometric.utils import add_self_loops

from unlabeled_graph.encoders.fast_layer import FastLayer, rows
from unlabeled_graph.graphs import GraphBatch
from unlabeled_graph.neighbour_sums import available, neighbour_sums
from unlabeled_graph.sparse_rows import SparseRows


class GCNLayer(GCNConv, FastLayer):  # type: ignore[misc]
    """(M, below) → (M, above)."""

    takes_sparse = True

    def over(
        self, nodes: Tensor | SparseRows, graphs: GraphBatch, at: Tensor | None = None
    ) -> Tensor:
        return rows(self(nodes, graphs.edge_index, getattr(graphs, "degree", None)), at)

    def forward(
        self, x: Tensor | SparseRows, edge_index: Tensor, degree: Tensor | None = None
    ) -> Tensor:
        """x: (M, below); edge_index: (2, E); degree: (M,), edges that end at each node, counted
        if None. Returns (M, above)."""
        if isinstance(x, Tensor) and degree is None and not available(x):
            plain: Tensor = super().forward(x, edge_index)
            return plain
        weight = self.lin.weight
        values = x.linear(weight) if isinstance(x, SparseRows) else F.linear(x, weight)
        edges, weights = _weights(edge_index, values, degree)
        total = neighbour_sums(weights[:, None], values[:, None], edges, len(values))[:, 0]
        shifted: Tensor = total + self.bias
        return shifted


def _weights(edge_index: Tensor, values: Tensor, degree: Tensor | None) -> tuple[Tensor, Tensor]:
    """Edges with self-loops, and 1 / sqrt(degree of both ends), where a loop counts as one."""
    if degree is None:
        counted: tuple[Tensor, Tensor] = gcn_norm(
            edge_index, num_nodes=len(values), dtype=values.dtype
        )
        return counted
    scale = (degree + 1).to(values.dtype).rsqrt()
    edges, _ = add_self_loops(edge_index, num_nodes=len(values))
    return edges, scale[edges[0]] * scale[edges[1]]
