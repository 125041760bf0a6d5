"""Layers of PyG by name, and nothing else of PyG."""

import pytest
import torch
from graph_encoders import graph

from unlabeled.errors import RecipeError
from unlabeled.validation import validate
from unlabeled_graph.encoders.pyg import PyG, PyGSettings


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


def test_arguments_that_a_layer_does_not_take_are_told():
    with pytest.raises(RecipeError, match=r"GraphConv.*colour"):
        pyg(arguments={"colour": "red"})
