import numpy as np
import torch
from torch_geometric.data import Data

from unlabeled_graph.baselines.node_features import NodeFeatures


def test_every_node_has_its_own_columns():
    x = torch.arange(6.0).reshape(3, 2)
    found = NodeFeatures()(Data(x=x, edge_index=torch.zeros(2, 0, dtype=torch.long)))

    np.testing.assert_array_equal(found, x.numpy())
