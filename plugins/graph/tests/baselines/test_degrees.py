import numpy as np
import torch
from torch_geometric.data import Data

from unlabeled_graph.baselines.degrees import CAP, Degrees

PATH = Data(x=torch.zeros(3, 1), edge_index=torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]))


def test_degrees_of_a_path():
    found = Degrees()(PATH)

    assert found.shape == (6 + CAP + 1,)
    np.testing.assert_allclose(found[:6], [3, 4, 4 / 6, 4 / 3, np.sqrt(2) / 3, 2])
    np.testing.assert_allclose(found[6:9], [0, 2 / 3, 1 / 3])


def test_a_single_node_has_degrees_too():
    found = Degrees()(Data(x=torch.zeros(1, 1), edge_index=torch.zeros(2, 0, dtype=torch.long)))

    assert found[0] == 1
    assert np.isfinite(found).all()
