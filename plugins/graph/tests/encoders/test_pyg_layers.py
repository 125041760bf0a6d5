"""The table of the layers of PyG names layers and their own arguments."""

import inspect

import pytest
import torch
import torch_geometric.nn
from graph_encoders import graph
from torch_geometric.nn import MessagePassing

from unlabeled.validation import validate
from unlabeled_graph.encoders.pyg import PyG, PyGSettings
from unlabeled_graph.encoders.pyg_layers import LAYERS


def pyg(**settings):
    torch.manual_seed(0)
    known = {"node_features": 3, "width": 8, "depth": 2, **settings}
    return PyG(validate(PyGSettings, known, "encoder")).double().eval()


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
