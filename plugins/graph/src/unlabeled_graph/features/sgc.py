"""SGC: node features smoothed over the graph, with nothing learned.

Source: Wu et al., ICML 2019, arXiv:1902.07153, equation 8: S^K x, where S is the adjacency with
self-loops, normalised by the degrees of both ends. A linear probe on it is the bar for encoders
of nodes.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.nn.conv.gcn_conv import gcn_norm

HOPS = 2


def smoothed(graph: Data, hops: int = HOPS) -> Tensor:
    """S^hops x, (N, F)."""
    edges, weights = gcn_norm(graph.edge_index, num_nodes=len(graph.x), dtype=graph.x.dtype)
    adjacency = torch.sparse_coo_tensor(edges.flip(0), weights, (len(graph.x), len(graph.x)))
    x: Tensor = graph.x
    for _ in range(hops):
        x = adjacency @ x
    return x
