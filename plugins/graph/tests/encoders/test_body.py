"""A batch of one node, such as a molecule of one atom that is left over, trains."""

import pytest
import torch
from torch_geometric.data import Data

from unlabeled_graph.encoders.gin import GIN, GINSettings


@pytest.mark.parametrize("edge_features", [0, 2])
def test_a_batch_of_one_node_has_a_finite_gradient(edge_features):
    torch.manual_seed(0)
    settings = GINSettings(node_features=3, edge_features=edge_features, width=8, depth=2)
    encoder = GIN(settings).train()
    one = Data(torch.ones(1, 3), torch.zeros(2, 0, dtype=torch.int64), torch.zeros(0, 2))
    encoder(encoder.collate([one])).sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in encoder.parameters() if p.grad is not None)
