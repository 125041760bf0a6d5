"""PyG's layers are the reference: same weights, same results, same gradients."""

import pytest
import torch
from torch_geometric.nn import GATConv

from unlabeled_graph.encoders.gat_layer import GATLayer
from unlabeled_graph.sparse_rows import split


def pair(below, above, heads, edge_features=None):
    torch.manual_seed(0)
    ours = GATLayer(below, above, heads=heads, dropout=0.3, edge_features=edge_features).double()
    theirs = GATConv(below, above, heads=heads, dropout=0.3, edge_dim=edge_features).double()
    torch.nn.init.normal_(ours.bias)
    theirs.load_state_dict(ours.state_dict())
    return ours.eval(), theirs.eval()


def graph(nodes=9, edges=20, below=5):
    generator = torch.Generator().manual_seed(nodes)
    ends = torch.randint(nodes, (2, edges), generator=generator)
    x = torch.randn(nodes, below, generator=generator, dtype=torch.float64)
    return x, ends, torch.randn(edges, 2, generator=generator, dtype=torch.float64)


def gradients(layer, output, x):
    weight = torch.linspace(-1, 1, output.numel(), dtype=output.dtype).view_as(output)
    (output * weight).sum().backward()
    return [x.grad, *(p.grad for p in layer.parameters())]


@pytest.mark.parametrize("edges", [0, 1, 20])
@pytest.mark.parametrize(("above", "heads"), [(3, 4), (4, 1), (11, 1)])
@pytest.mark.parametrize("with_features", [False, True])
def test_results_and_gradients_are_those_of_pyg(edges, above, heads, with_features):
    ours, theirs = pair(5, above, heads, 2 if with_features else None)
    x, ends, attributes = graph(edges=edges)
    inputs = (ends, attributes) if with_features else (ends,)
    found = []
    for layer in (ours, theirs):
        own = x.clone().requires_grad_()
        output = layer(own, *inputs)
        found.append((output, gradients(layer, output, own)))

    torch.testing.assert_close(found[0][0], found[1][0])
    for mine, other in zip(found[0][1], found[1][1], strict=True):
        torch.testing.assert_close(mine, other)


@pytest.mark.parametrize(("above", "heads"), [(3, 4), (11, 1)])
def test_the_asked_nodes_are_those_of_all(above, heads):
    ours, _ = pair(5, above, heads)
    x, ends, _ = graph()
    at = torch.tensor([7, 0, 3])

    torch.testing.assert_close(ours(x, ends, at=at), ours(x, ends)[at])


def test_sparse_rows_give_the_same_and_their_learned_rows_a_gradient():
    ours, theirs = pair(5, 3, 4)
    x, ends, _ = graph()
    x[x.abs() < 0.8] = 0
    at = torch.tensor([2, 5])
    token = torch.randn(1, 5, dtype=torch.float64)
    found = []
    for layer in (ours, theirs):
        own = token.clone().requires_grad_()
        shown = own.expand(2, -1)
        rows = split(x, shown, at) if layer is ours else x.index_copy(0, at, shown)
        output = layer(rows, ends)
        found.append((output, gradients(layer, output, own)))

    torch.testing.assert_close(found[0][0], found[1][0])
    for mine, other in zip(found[0][1], found[1][1], strict=True):
        torch.testing.assert_close(mine, other)


def test_attention_is_dropped_while_training_only():
    ours, _ = pair(5, 3, 4)
    x, ends, _ = graph()
    torch.manual_seed(0)
    kept = torch.stack([ours.train()(x, ends) for _ in range(400)]).mean(0)

    assert torch.equal(ours.eval()(x, ends), ours(x, ends))
    torch.testing.assert_close(kept, ours(x, ends), atol=0.3, rtol=0)


def test_half_precision_is_finite_and_near():
    ours, _ = pair(5, 3, 4)
    x, ends, _ = graph()
    ours, x = ours.float(), x.float()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rough = ours(x, ends)

    torch.testing.assert_close(rough, ours(x, ends), atol=0.1, rtol=0.05)
