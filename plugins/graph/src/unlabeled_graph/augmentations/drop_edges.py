"""Edge dropping: an edge is dropped in both directions, so undirected graphs stay undirected.

Source: Rong et al., ICLR 2020, arXiv:1907.10903 (DropEdge); as a view, Zhu et al. 2020,
arXiv:2006.04131 (GRACE).
"""

from __future__ import annotations

from copy import copy
from typing import ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor
from torch_geometric.data import Data

from unlabeled.contract import Range
from unlabeled.settings import Settings


class DropEdges(Settings):
    """Each edge is dropped with probability `ratio`; repeated edges between two nodes together."""

    keeps: ClassVar[str] = "the nodes, their features and whether the graph is undirected"
    expects: ClassVar[Range] = Range()
    returns: ClassVar[Range] = Range()

    ratio: float = Field(0.2, ge=0, lt=1, description="probability that an edge is dropped")

    def __call__(self, sample: Data, rng: np.random.Generator) -> Data:
        kept = torch.from_numpy(kept_edges(sample.edge_index, self.ratio, rng))
        changed = copy(sample)
        changed.edge_index = sample.edge_index[:, kept]
        if sample.edge_attr is not None:
            changed.edge_attr = sample.edge_attr[kept]
        return changed


def kept_edges(edge_index: Tensor, ratio: float, rng: np.random.Generator) -> np.ndarray:
    """Which of the (2, E) edges stay, (E,) bool; both directions of an edge share one draw.

    ratio: the probability that an edge is dropped, in [0, 1).
    """
    if ratio == 0 or edge_index.shape[1] == 0:
        return np.ones(edge_index.shape[1], dtype=bool)
    ends = np.sort(edge_index.numpy(), axis=0)
    _, pair = np.unique(ends[0] * (ends[1].max() + 1) + ends[1], return_inverse=True)
    stays: np.ndarray = rng.random(pair.max() + 1)[pair] >= ratio
    return stays
