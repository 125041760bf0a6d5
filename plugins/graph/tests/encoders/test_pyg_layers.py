"""Layers of PyG by name, and nothing else of PyG."""

import inspect

import pytest
import torch
import torch_geometric.nn
from torch_geometric.data import Data
from torch_geometric.nn import MessagePassing

from unlabeled.errors import RecipeError
from unlabeled.validation import validate
from unlabeled_graph.encoders.pyg import PyG, PyGSettings
from unlabeled_graph.encoders.pyg_layers import LAYERS


def graph(size, edges):
    generator = torch.Generator().manual_seed(size)
    return Data(
        x=torch.randn(size, 3, generator=generator, dtype=torch.float64),
        edge_index=torch.randint(size, (2, edges), generator=generator),
        edge_attr=torch.randn(edges, 2, generator=generator, dtype=torch.float64),
    )


def pyg(**settings):
    torch.manual_seed(0)
    known = {"node_features": 3, "width": 8, "depth": 2, **settings}
    return PyG(validate(PyGSettings, known, "encoder")).double().eval()


@pytest.mark.parametrize(
    "settings",
    [
        {"layer": "GraphConv"},
        {"layer": "GATv2Conv", "arguments": {"heads": 2, "concat": False}},
        {"layer": "TransformerConv", "edge_features": 2, "passes_edges": True, "jump": "all"},
        {"layer": "SAGEConv", "arguments": {"aggr": "max"}, "residual": True, "norm": "layer"},
    ],
)
def test_any_layer_of_pyg_is_an_encoder(settings):
    model = pyg(**settings)
    samples = [graph(5, 9), graph(1, 0), graph(3, 2)]

    together = model(model.collate(samples))

    alone = torch.cat([model(model.collate([sample])) for sample in samples])
    torch.testing.assert_close(together, alone)
    assert together.shape == (3, model.outputs[0].width)


@pytest.mark.parametrize("name", ["Linear", "sequential", "__doc__", "os.system", "NNConv"])
def test_nothing_but_layers_of_the_table_is_taken_by_name(name):
    with pytest.raises(RecipeError, match=r"encoder.layer: .* not among the allowed ones"):
        pyg(layer=name)


@pytest.mark.parametrize(
    "arguments",
    [
        {"nn": "os.system"},
        {"act": "os.system"},
        {"aggr": "os.system"},
        {"aggr_kwargs": {"_target_": "os.system"}},
        {"bias": "os.system"},
    ],
)
def test_no_argument_is_a_name_to_import(arguments):
    with pytest.raises(RecipeError, match=r"encoder.arguments, GraphConv"):
        pyg(arguments=arguments)


def test_arguments_from_the_command_line_are_numbers():
    found = PyGSettings(layer="GATv2Conv", arguments={"heads": "2", "concat": "false"})
    assert found.arguments == {"heads": 2, "concat": False}


NEEDED = {
    "ChebConv": {"K": 2},
    "EGConv": {"num_heads": 2},
    "SSGConv": {"alpha": 0.1},
    "TAGConv": {"K": 2},
}


@pytest.mark.parametrize("name", sorted(set(LAYERS) - {"PDNConv"}))
def test_every_layer_of_the_table_is_an_encoder(name):
    model = pyg(layer=name, arguments=NEEDED.get(name, {}), norm="none")
    samples = [graph(5, 9), graph(3, 2)]
    assert model(model.collate(samples)).shape == (2, 8)


def test_a_layer_that_needs_edge_features_is_an_encoder():
    needed = {"hidden_channels": 4}
    model = pyg(layer="PDNConv", arguments=needed, edge_features=2, passes_edges=True)
    assert model(model.collate([graph(5, 9), graph(3, 2)])).shape == (2, 8)


@pytest.mark.parametrize("name", LAYERS)
def test_the_table_is_of_layers_and_of_their_arguments(name):
    layer = getattr(torch_geometric.nn, name)
    assert issubclass(layer, MessagePassing)
    own = {*inspect.signature(layer).parameters, "aggr", "flow"}
    assert set(LAYERS[name]) <= own


def test_arguments_that_a_layer_does_not_take_are_told():
    with pytest.raises(RecipeError, match=r"GraphConv.*colour"):
        pyg(arguments={"colour": "red"})
