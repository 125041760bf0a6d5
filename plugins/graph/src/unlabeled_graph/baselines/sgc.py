"""SGC: node features smoothed over the graph, without learning.

Source: Wu et al., ICML 2019, arXiv:1902.07153, equation 8: S^K x, where S is the adjacency with
self-loops, normalised by the degrees of both ends. Encoders of nodes must beat a linear probe on
it.
"""

from __future__ import annotations

import numpy as np
import torch
from pydantic import Field
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.nn.conv.gcn_conv import gcn_norm

from unlabeled.settings import Settings

HOPS = 2


class SGC(Settings):
    """Rows of smoothed x; averaged for labels of whole graphs."""

    hops: int = Field(HOPS, ge=0, description="times that features are averaged over neighbours")

    def __call__(self, sample: Data) -> np.ndarray:
        """(N, F)."""
        rows: np.ndarray = smoothed(sample, self.hops).numpy()
        return rows


def smoothed(graph: Data, hops: int = HOPS) -> Tensor:
    """S^hops x, (N, F)."""
    edges, weights = gcn_norm(graph.edge_index, num_nodes=len(graph.x), dtype=graph.x.dtype)
    adjacency = torch.sparse_coo_tensor(edges.flip(0), weights, (len(graph.x), len(graph.x)))
    x: Tensor = graph.x
    for _ in range(hops):
        x = adjacency @ x
    return x
