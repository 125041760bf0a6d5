"""PyG's layer is the reference: same weights, same results, same gradients."""

import pytest
import torch
from torch_geometric.nn import GCNConv

from unlabeled_graph.encoders.gcn_layer import GCNLayer
from unlabeled_graph.sparse_rows import split


def graph(nodes=9, edges=20, below=5):
    generator = torch.Generator().manual_seed(nodes)
    ends = torch.randint(nodes, (2, edges), generator=generator)
    x = torch.randn(nodes, below, generator=generator, dtype=torch.float64)
    return x, ends, torch.randn(edges, 2, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("edges", [0, 20])
def test_gcn_gives_the_results_and_gradients_of_pyg_too(edges):
    torch.manual_seed(0)
    ours, theirs = GCNLayer(5, 7).double(), GCNConv(5, 7).double()
    theirs.load_state_dict(ours.state_dict())
    x, ends, _ = graph(edges=edges)
    x[x.abs() < 0.5] = 0
    nothing = torch.zeros(0, dtype=torch.int64)
    found = []
    for layer, shown in ((ours, x), (theirs, x), (ours, split(x, x[:0], nothing))):
        layer.zero_grad()
        output = layer(shown, ends)
        output.square().sum().backward()
        found.append([output, *(p.grad.clone() for p in layer.parameters())])

    for other in (found[0], found[2]):
        for mine, expected in zip(other, found[1], strict=True):
            torch.testing.assert_close(mine, expected)
