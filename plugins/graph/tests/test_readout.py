"""Reductions over the nodes of each graph, beside those of each graph alone."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from unlabeled_graph.readout import readout


@given(st.lists(st.integers(0, 4), min_size=1, max_size=5), st.integers(0, 99))
def test_each_graph_is_reduced_by_itself(sizes, seed):
    draw = torch.Generator().manual_seed(seed)
    nodes = torch.randn(sum(sizes), 3, generator=draw, dtype=torch.float64) - 2  # maxima below 0
    counts = torch.tensor(sizes)
    owner = torch.arange(len(sizes)).repeat_interleave(counts)
    ptr = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
    found = readout(nodes, owner, ptr, ("sum", "mean", "max"))
    for row, own in zip(found, nodes.split(sizes), strict=True):
        parts = [own.sum(0), own.mean(0), own.amax(0)] if len(own) else [torch.zeros(3)] * 3
        torch.testing.assert_close(row, torch.cat(parts).double())


def test_the_order_of_reductions_is_the_order_of_columns():
    nodes, owner, ptr = torch.tensor([[1.0], [3.0]]), torch.zeros(2).long(), torch.tensor([0, 2])
    assert readout(nodes, owner, ptr, ("max", "sum")).tolist() == [[3.0, 4.0]]
