"""PyG's layer is the reference: same weights, same results, same gradients."""

import pytest
import torch
from torch import nn
from torch_geometric.nn import GINConv

from unlabeled_graph.encoders.gin_layer import GINLayer


def graph(nodes=9, edges=20, below=5):
    generator = torch.Generator().manual_seed(nodes)
    ends = torch.randint(nodes, (2, edges), generator=generator)
    x = torch.randn(nodes, below, generator=generator, dtype=torch.float64)
    return x, ends, torch.randn(edges, 2, generator=generator, dtype=torch.float64)


def gradients(layer, output, x):
    weight = torch.linspace(-1, 1, output.numel(), dtype=output.dtype).view_as(output)
    (output * weight).sum().backward()
    return [x.grad, *(p.grad for p in layer.parameters())]


@pytest.mark.parametrize("edges", [0, 20])
def test_gin_gives_the_results_and_gradients_of_pyg_too(edges):
    torch.manual_seed(0)
    mlps = [nn.Sequential(nn.Linear(5, 7), nn.BatchNorm1d(7), nn.Linear(7, 4)) for _ in range(2)]
    ours, theirs = GINLayer(mlps[0]).double(), GINConv(mlps[1]).double()
    theirs.load_state_dict(ours.state_dict())
    x, ends, _ = graph(edges=edges)
    found = []
    for layer in (ours, theirs):
        own = x.clone().requires_grad_()
        output = layer(own, ends)
        found.append((output, gradients(layer, output, own)))

    torch.testing.assert_close(found[0][0], found[1][0])
    for mine, other in zip(found[0][1], found[1][1], strict=True):
        torch.testing.assert_close(mine, other)
