import pytest
import torch
from graph_encoders import encoder, graph, parts

from unlabeled.errors import RecipeError
from unlabeled.validation import validate


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
