import pytest
import torch
from torch import nn
from torch_geometric.data import Batch, Data

from unlabeled.errors import RecipeError, ShapeError
from unlabeled_graph.encoders.gin import GIN, GINSettings

EDGES = 2


def graph(size, edges, seed=0):
    generator = torch.Generator().manual_seed(seed + size)
    edge_index = torch.randint(size, (2, edges), generator=generator)
    return Data(
        x=torch.randn(size, 3, generator=generator, dtype=torch.float64),
        edge_index=edge_index,
        edge_attr=torch.randn(edges, EDGES, generator=generator, dtype=torch.float64),
    )


def encoder(**settings):
    torch.manual_seed(0)
    settings = {"node_features": 3, "width": 8, "depth": 2, **settings}
    model = GIN(GINSettings(**settings)).double()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
    return model.eval()


VARIANTS = [
    {},
    {"edge_features": EDGES},
    {"edge_features": EDGES, "stem": True, "expansion": 2},
    {"norm": "layer", "activation": "prelu", "jump": "all", "readout": ("sum", "mean", "max")},
    {"norm": "none", "activation": "elu", "residual": True, "default": "nodes"},
]


def test_a_layer_is_the_published_formula():
    model = encoder(edge_features=EDGES, depth=1, norm="none", readout=("sum",))
    sample = graph(4, 6)
    layer = model.body.layers[0]

    expected = torch.zeros(4, 8, dtype=torch.float64)
    for node in range(4):
        total = sample.x[node].clone()
        for edge, (source, target) in enumerate(sample.edge_index.T.tolist()):
            if target == node:
                total += torch.relu(sample.x[source] + layer.lin(sample.edge_attr[edge]))
        hidden = torch.relu(layer.nn[0](total))
        expected[node] = torch.relu(layer.nn[3](hidden))

    batch = model.collate([sample])
    torch.testing.assert_close(model.encode(batch, "nodes").values, expected)
    torch.testing.assert_close(model(batch), expected.sum(0, keepdim=True))


@pytest.mark.parametrize("settings", VARIANTS)
def test_batching_equals_one_by_one_also_for_tiny_graphs(settings):
    model = encoder(**settings)
    samples = [graph(5, 9), graph(1, 0), graph(2, 0), graph(1, 1), graph(3, 2)]

    for output in ("graph", "nodes"):
        values = [
            v if output == "graph" else v.values
            for v in [model.encode(model.collate([s]), output) for s in samples]
        ]
        together = model.encode(model.collate(samples), output)
        together = together if output == "graph" else together.values
        torch.testing.assert_close(together, torch.cat(values))
        width = next(o.width for o in model.outputs if o.name == output)
        assert together.shape[1] == width


@pytest.mark.parametrize("settings", VARIANTS)
def test_renumbering_nodes_permutes_their_embeddings_and_keeps_the_graphs(settings):
    model = encoder(**settings)
    sample = graph(6, 11)
    order = torch.tensor([3, 0, 5, 1, 4, 2])
    place = order.argsort()
    other = Data(sample.x[order], place[sample.edge_index], sample.edge_attr)

    a, b = model.collate([sample]), model.collate([other])

    torch.testing.assert_close(
        model.encode(b, "nodes").values, model.encode(a, "nodes").values[order]
    )
    torch.testing.assert_close(model.encode(b, "graph"), model.encode(a, "graph"))


def test_nodes_know_their_graph_and_their_number_in_it():
    model = encoder()

    nodes = model.encode(model.collate([graph(2, 1), graph(3, 1)]), "nodes")

    assert nodes.owner.tolist() == [0, 0, 1, 1, 1]
    assert nodes.id.tolist() == [0, 1, 0, 1, 2]


@pytest.mark.parametrize("edge_features", [0, EDGES])
def test_a_batch_of_pyg_goes_in_as_it_is(edge_features):
    model = encoder(edge_features=edge_features)
    samples = [graph(5, 9), graph(2, 0)]

    torch.testing.assert_close(model(Batch.from_data_list(samples)), model(model.collate(samples)))


def test_the_default_output_is_a_choice():
    assert [o.name for o in encoder().outputs] == ["graph", "nodes"]
    assert [o.name for o in encoder(default="nodes").outputs] == ["nodes", "graph"]


def test_gradients_are_the_same_bits_every_time():
    model = encoder(edge_features=EDGES, readout=("sum", "max")).float()
    samples = [graph(40, 300, seed) for seed in range(4)]
    batch = model.collate(samples)
    batch.x, batch.edge_attr = batch.x.float(), batch.edge_attr.float()

    def gradient():
        model.zero_grad()
        model(batch).square().sum().backward()
        return [p.grad.clone() for p in model.parameters()]

    for a, b in zip(gradient(), gradient(), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda g: g.update({"x": g.x[:, :2]}), r"x: expected \(nodes, 3\), found \(4, 2\)"),
        (lambda g: g.update({"x": None}), "found none"),
        (lambda g: g.update({"edge_index": g.edge_index + 2}), "expected node numbers 0 to 3"),
        (lambda g: g.update({"edge_attr": None}), r"edge_attr: expected \(6, 2\), found none"),
        (lambda g: g.x.fill_(float("inf")), "12 NaN or infinite"),
    ],
)
def test_a_graph_that_does_not_fit_is_refused_by_name(change, message):
    sample = graph(4, 6)
    change(sample)

    with pytest.raises(ShapeError, match=message):
        encoder(edge_features=EDGES).collate([graph(2, 1), sample])


def test_unknown_widths_and_outputs_are_refused():
    with pytest.raises(RecipeError, match="node_features"):
        GIN(GINSettings())
    model = encoder()
    with pytest.raises(ShapeError, match="no output 'edges'"):
        model.encode(model.collate([graph(2, 1)]), "edges")
