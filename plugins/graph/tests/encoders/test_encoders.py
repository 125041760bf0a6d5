"""What holds for every encoder of the plugin."""

import pytest
import torch
from graph_encoders import NAMES, encoder, graph, parts
from torch_geometric.data import Data

from unlabeled.errors import RecipeError


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
