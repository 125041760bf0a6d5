"""PyG's `GINConv` with the same parameters and results: neighbours are summed by a product of
sparse matrices, so that no message per edge is held."""

from __future__ import annotations

from torch import Tensor
from torch_geometric.nn import GINConv

from unlabeled_graph.encoders.fast_layer import FastLayer, rows
from unlabeled_graph.graphs import GraphBatch
from unlabeled_graph.neighbour_sums import BothWays, available, both_ways, plain_sums
from unlabeled_graph.sparse_rows import SparseRows


class GINLayer(GINConv, FastLayer):  # type: ignore[misc]
    """(M, below) → (M, above)."""

    def over(
        self, nodes: Tensor | SparseRows, graphs: GraphBatch, at: Tensor | None = None
    ) -> Tensor:
        # A batch of PyG's own has no layout of edges to share between layers.
        shared = isinstance(graphs, GraphBatch) and available(graphs.x)
        return rows(self(nodes, graphs.edge_index, graphs.ways() if shared else None), at)

    def forward(self, x: Tensor, edge_index: Tensor, ways: BothWays | None = None) -> Tensor:
        """x: (M, below); edge_index: (2, E); ways: the layout of the edges, made if None.

        Returns (M, above).
        """
        if not available(x):
            plain: Tensor = super().forward(x, edge_index)
            return plain
        total = plain_sums(x, ways or both_ways(edge_index, len(x)))
        mapped: Tensor = self.nn(total + (1 + self.eps) * x)
        return mapped
