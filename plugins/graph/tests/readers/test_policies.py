import torch
from sklearn.preprocessing import StandardScaler
from torch_geometric.data import Data

from unlabeled_graph.readers.policies import EdgePolicy, FeaturePolicy


def graph():
    edges = torch.tensor([[0, 1, 1], [1, 0, 1]])
    return Data(torch.tensor([[1.0, 3.0], [0.0, 0.0], [2.0, 2.0]]), edges, torch.ones(3, 2))


def test_add_gives_every_node_exactly_one_loop_without_features():
    found = EdgePolicy(self_loops="add").apply(graph())

    loops = found.edge_index[0] == found.edge_index[1]
    assert found.edge_index[0, loops].tolist() == [0, 1, 2]
    assert not found.edge_attr[loops].any()
    assert found.edge_attr[~loops].all()
    assert graph().edge_index.shape[1] == 3


def test_rows_sum_to_one_and_empty_rows_stay_empty():
    found = FeaturePolicy(scale="rows").apply(graph()).x

    assert found.tolist() == [[0.25, 0.75], [0.0, 0.0], [0.5, 0.5]]


def test_columns_are_standardised_and_a_constant_one_is_0():
    constant = Data(torch.cat([graph().x, torch.full((3, 1), 7.0)], dim=1), graph().edge_index)

    found = FeaturePolicy(scale="columns").apply(constant).x

    expected = StandardScaler().fit_transform(constant.x.double().numpy())
    torch.testing.assert_close(found.double(), torch.from_numpy(expected), atol=1e-6, rtol=1e-6)
    assert found[:, 2].tolist() == [0.0, 0.0, 0.0]
