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


def readout(nodes: Tensor, owner: Tensor, ptr: Tensor, reductions: Sequence[Reduction]) -> Tensor:
    """Reductions of the nodes of each graph, side by side.

    nodes: (M, D); owner: (M,), the graph of each node; ptr: (N + 1,), the first node of each
    graph, then M. Returns (N, D · reductions); a graph without nodes gets zeros.
    """
    return torch.cat([_reduce(nodes, owner, ptr.diff(), each) for each in reductions], dim=1)


def _reduce(nodes: Tensor, owner: Tensor, sizes: Tensor, reduction: Reduction) -> Tensor:
    zeros = nodes.new_zeros(sizes.shape[0], nodes.shape[1])
    if reduction == "max":
        index = owner.unsqueeze(1).expand_as(nodes)
        return zeros.scatter_reduce(0, index, nodes, "amax", include_self=False)
    total = zeros.index_add(0, owner, nodes)
    if reduction == "sum":
        return total
    return total / sizes.clamp(min=1).unsqueeze(1)
