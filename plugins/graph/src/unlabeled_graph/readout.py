"""From nodes to graphs: sum, mean and maximum over the nodes of each graph.

Written with `index_add` and `scatter_reduce`, whose forward and backward give the same bits every
time under torch's deterministic algorithms.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

Reduction = Literal["sum", "mean", "max"]


def readout(nodes: Tensor, owner: Tensor, count: int, reductions: Sequence[Reduction]) -> Tensor:
    """Reductions of the nodes of each graph, side by side.

    nodes: (M, D); owner: (M,), the graph of each node; count: N. Returns (N, D · reductions);
    a graph without nodes gets zeros.
    """
    return torch.cat([_reduce(nodes, owner, count, each) for each in reductions], dim=1)


def _reduce(nodes: Tensor, owner: Tensor, count: int, reduction: Reduction) -> Tensor:
    zeros = nodes.new_zeros(count, nodes.shape[1])
    if reduction == "max":
        index = owner.unsqueeze(1).expand_as(nodes)
        return zeros.scatter_reduce(0, index, nodes, "amax", include_self=False)
    total = zeros.index_add(0, owner, nodes)
    if reduction == "sum":
        return total
    sizes = torch.bincount(owner, minlength=count).clamp(min=1)
    return total / sizes.unsqueeze(1)
