"""PyG's `GINConv` with the same parameters and results: neighbours are summed by a product of
sparse matrices, so that no message per edge is held."""

from __future__ import annotations

from torch import Tensor
from torch_geometric.nn import GINConv

from unlabeled_graph.neighbour_sums import available, neighbour_sums


class GINLayer(GINConv):  # type: ignore[misc]
    """(M, below) → (M, above)."""

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        """x: (M, below); edge_index: (2, E). Returns (M, above)."""
        if not available(x):
            plain: Tensor = super().forward(x, edge_index)
            return plain
        ones = x.new_ones(edge_index.shape[1], 1)
        total = neighbour_sums(ones, x[:, None], edge_index, len(x))[:, 0]
        mapped: Tensor = self.nn(total + (1 + self.eps) * x)
        return mapped
