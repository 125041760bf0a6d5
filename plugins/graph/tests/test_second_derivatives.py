"""Backward passes written by hand refuse a second derivative, which they do not know."""

import pytest
import torch

from unlabeled_graph import neighbour_sums, sparse_rows

EDGES = torch.tensor([[0, 1, 2, 3], [1, 2, 3, 0]])


def sums(x):
    weights = torch.ones(4, 1)
    return neighbour_sums._NeighbourSums.apply(weights, x[:, None], EDGES, 4)


def product(x):
    rows, columns = torch.ones(2, 4).nonzero(as_tuple=True)
    return sparse_rows._Product.apply(torch.ones(8), x.T, rows, columns, (2, 4))


def plain(x):
    ways = neighbour_sums.BothWays(
        *(neighbour_sums.layout(EDGES[a], EDGES[1 - a], (4, 4)) for a in (1, 0))
    )
    return neighbour_sums._PlainSums.apply(x, ways)


@pytest.mark.parametrize("function", [sums, product, plain])
def test_it_refuses_a_second_derivative(function):
    x = torch.randn(4, 3, requires_grad=True)
    (gradient,) = torch.autograd.grad(function(x).square().sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="found a second one"):
        gradient.square().sum().backward()
