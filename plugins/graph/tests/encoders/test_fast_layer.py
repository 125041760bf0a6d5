"""A fourth fast layer is asked for what it can do; the body of the encoders knows none by name."""

import torch
from torch import nn
from torch_geometric.data import Data

from unlabeled_graph.encoders.fast_layer import FastLayer, rows
from unlabeled_graph.encoders.sage import SAGE, SAGESettings
from unlabeled_graph.sparse_rows import SparseRows


class Fourth(nn.Linear, FastLayer):
    """Remembers what it was given."""

    takes_sparse = True

    def over(self, nodes, graphs, at=None):
        self.given = nodes, graphs, at
        values = nodes.linear(self.weight) if isinstance(nodes, SparseRows) else self(nodes)
        return rows(values, at)


class Encoder(SAGE):
    def layer(self, below, above):
        return Fourth(below, above, bias=False)


def test_a_layer_of_ones_own_gets_the_batch_sparse_rows_and_the_asked_nodes():
    torch.manual_seed(0)
    encoder = Encoder(SAGESettings(node_features=2000, width=8, depth=2, norm="none"))
    bags = torch.eye(2000)[:200]
    batch = encoder.collate([Data(bags, torch.tensor([[0, 1], [1, 2]]))])
    assert encoder.body.takes_sparse
    encoder.body(batch, "nodes")
    assert isinstance(encoder.body.layers[0].given[0], SparseRows)
    assert encoder.body.layers[1].given[1] is batch
    at = torch.tensor([2, 0])
    found = encoder.body.pass_messages(encoder.body.layers[0], batch.x, batch, at)
    torch.testing.assert_close(found, batch.x[at] @ encoder.body.layers[0].weight.T)


def test_rows_are_all_of_them_or_those_that_are_asked_for():
    values = torch.arange(6.0).view(3, 2)
    assert rows(values, None) is values
    assert rows(values, torch.tensor([2])).tolist() == [[4, 5]]
