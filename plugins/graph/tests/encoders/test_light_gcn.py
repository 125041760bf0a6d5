import numpy as np
import pytest
import torch
from user_item_samples import interactions, light_gcn, normalised

from unlabeled.errors import RecipeError, ShapeError
from unlabeled_graph.encoders.light_gcn import LightGCN, LightGCNSettings
from unlabeled_graph.encoders.light_gcn import light_gcn as required
from unlabeled_graph.interactions import Interactions


@pytest.mark.parametrize(
    ("mean", "layers", "of"),
    [("all", 3, (0, 1, 2, 3)), ("spread", 3, (1, 2, 3)), ("all", 0, (0,)), ("spread", 0, (0,))],
)
def test_vectors_are_the_mean_of_the_layers(mean, layers, of):
    sample = interactions()
    encoder = light_gcn(sample, mean=mean, layers=layers)
    matrix, table = normalised(sample), encoder.table.detach()
    wanted = sum(torch.linalg.matrix_power(matrix, power) @ table for power in of) / len(of)
    found = encoder(encoder.collate([sample, sample]))
    torch.testing.assert_close(found.values, wanted.repeat(2, 1), rtol=0, atol=1e-12)
    assert found.owner.tolist() == [0] * 12 + [1] * 12
    assert found.id.tolist() == 2 * list(range(12))


def test_a_change_applies_to_each_layer_but_the_first():
    sample = interactions()
    encoder = light_gcn(sample)
    [graph] = encoder.collate([sample]).graphs
    zero, one, two = encoder.states(graph, lambda x: x + 1)
    assert torch.equal(zero, encoder.table)
    torch.testing.assert_close(one, normalised(sample) @ zero + 1)
    torch.testing.assert_close(two, normalised(sample) @ one + 1)


def test_the_vectors_of_other_interactions_are_refused():
    sample = interactions()
    encoder = light_gcn(sample)
    with pytest.raises(ShapeError, match="expected 5 users and 7 items, found 6 users and 7 items"):
        encoder.collate([interactions(users=6)])
    renamed = Interactions(sample.user, sample.item, 5, 7, "another digest")
    with pytest.raises(ShapeError, match="with other names or other interactions"):
        encoder.collate([renamed])
    light_gcn(renamed).collate([renamed])


def test_sizes_come_from_the_reader_and_other_encoders_are_refused():
    with pytest.raises(RecipeError, match="The reader graph/user_item fills them in"):
        LightGCN(LightGCNSettings())
    with pytest.raises(RecipeError, match="needs the encoder graph/light_gcn"):
        required(torch.nn.Linear(1, 1))


def test_vectors_start_small_and_even():
    table = light_gcn(interactions(300, 200, 0.1), width=64).table.detach().numpy()
    assert abs(table.std() - 0.1) < 0.002
    assert np.abs(table.mean()) < 0.002
