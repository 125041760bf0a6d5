"""What holds for every encoder of the plugin."""

import importlib

import pytest
import torch
from torch_geometric.data import Data
from torch_geometric.utils import add_self_loops

from unlabeled.errors import RecipeError
from unlabeled.validation import validate

NAMES = {"gin": "GIN", "gcn": "GCN", "gat": "GAT", "sage": "SAGE"}


def parts(kind):
    module = importlib.import_module(f"unlabeled_graph.encoders.{kind}")
    return getattr(module, NAMES[kind]), getattr(module, f"{NAMES[kind]}Settings")


def encoder(kind, **settings):
    torch.manual_seed(0)
    cls, model = parts(kind)
    return cls(model(**{"node_features": 3, "width": 8, "depth": 2, **settings})).double().eval()


def graph(size, edges):
    generator = torch.Generator().manual_seed(size)
    return Data(
        x=torch.randn(size, 3, generator=generator, dtype=torch.float64),
        edge_index=torch.randint(size, (2, edges), generator=generator),
        edge_attr=torch.randn(edges, 2, generator=generator, dtype=torch.float64),
    )


@pytest.mark.parametrize("kind", NAMES)
def test_batching_equals_one_by_one_also_for_tiny_graphs(kind):
    model = encoder(kind)
    samples = [graph(5, 9), graph(1, 0), graph(2, 0), graph(3, 2)]

    together = model(model.collate(samples))

    alone = torch.cat([model(model.collate([sample])) for sample in samples])
    torch.testing.assert_close(together, alone)
    assert together.shape == (4, model.outputs[0].width)


@pytest.mark.parametrize("kind", NAMES)
def test_renumbering_nodes_permutes_their_embeddings(kind):
    model, sample = encoder(kind), graph(6, 11)
    order = torch.tensor([3, 0, 5, 1, 4, 2])
    other = Data(sample.x[order], order.argsort()[sample.edge_index], sample.edge_attr)

    values = [model.encode(model.collate([g]), "nodes").values for g in (sample, other)]

    torch.testing.assert_close(values[1], values[0][order])


@pytest.mark.parametrize("kind", NAMES)
def test_weights_without_a_known_width_are_refused(kind):
    cls, model = parts(kind)

    with pytest.raises(RecipeError, match="node_features"):
        cls(model())


def test_gcn_is_the_published_formula():
    model, sample = encoder("gcn", depth=1, norm="none"), graph(5, 7)
    looped, _ = add_self_loops(torch.unique(sample.edge_index, dim=1))
    looped = looped[:, looped[0] != looped[1]]
    adjacency = torch.eye(5, dtype=torch.float64)
    adjacency[looped[1], looped[0]] = 1
    scale = adjacency.sum(1).rsqrt()
    sample.edge_index = looped

    found = model.encode(model.collate([sample]), "nodes").values

    layer = model.body.layers[0]
    expected = (scale[:, None] * adjacency * scale) @ layer.lin(sample.x) + layer.bias
    torch.testing.assert_close(found, expected.relu(), atol=1e-10, rtol=0)


def test_sage_is_the_published_formula():
    model, sample = encoder("sage", depth=1, norm="none"), graph(4, 6)
    layer = model.body.layers[0]
    mean = torch.zeros_like(sample.x)
    for node in range(4):
        neighbours = sample.x[sample.edge_index[0][sample.edge_index[1] == node]]
        if len(neighbours):
            mean[node] = neighbours.mean(0)

    found = model.encode(model.collate([sample]), "nodes").values

    torch.testing.assert_close(found, (layer.lin_l(mean) + layer.lin_r(sample.x)).relu())


def test_gat_is_the_published_formula():
    model, sample = encoder("gat", depth=1, norm="none", heads=1, width=4), graph(4, 0)
    sample.edge_index = torch.tensor([[0, 1, 2, 3], [1, 2, 1, 0]])
    layer = model.body.layers[0]
    h = layer.lin(sample.x)
    expected = torch.zeros(4, 4, dtype=torch.float64)
    for node in range(4):
        near = [*sample.edge_index[0][sample.edge_index[1] == node].tolist(), node]
        score = torch.stack([(h[n] @ layer.att_src[0, 0]) + (h[node] @ layer.att_dst[0, 0])
                             for n in near])  # fmt: skip
        weight = torch.nn.functional.leaky_relu(score, 0.2).softmax(0)
        expected[node] = weight @ h[near] + layer.bias

    found = model.encode(model.collate([sample]), "nodes").values

    torch.testing.assert_close(found, expected.relu())


def test_heads_divide_the_width():
    _, model = parts("gat")

    with pytest.raises(RecipeError, match="no multiple of heads"):
        validate(model, {"width": 10, "heads": 4}, "encoder")
