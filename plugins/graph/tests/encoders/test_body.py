"""A batch of one node, such as a molecule of one atom that is left over, trains."""

import pytest
import torch
from torch import nn
from torch_geometric.data import Data

from unlabeled_graph.encoders.body import NodeNorm
from unlabeled_graph.encoders.gin import GIN, GINSettings


def test_one_node_is_shown_the_running_statistics_and_leaves_them():
    torch.manual_seed(0)
    norm, plain = NodeNorm(3), nn.BatchNorm1d(3)
    x = torch.randn(20, 3) * 3 + 1
    torch.testing.assert_close(norm(x), plain(x))
    before = norm.running_var.clone()
    found = norm(x[:1])
    torch.testing.assert_close(found, plain.eval()(x[:1]))
    assert torch.equal(norm.running_var, before)
    assert norm.num_batches_tracked == 1


@pytest.mark.parametrize("edge_features", [0, 2])
def test_a_batch_of_one_node_has_a_finite_gradient(edge_features):
    torch.manual_seed(0)
    settings = GINSettings(node_features=3, edge_features=edge_features, width=8, depth=2)
    encoder = GIN(settings).train()
    one = Data(torch.ones(1, 3), torch.zeros(2, 0, dtype=torch.int64), torch.zeros(0, 2))
    encoder(encoder.collate([one])).sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in encoder.parameters() if p.grad is not None)
