"""DGI against its formula, written out, and that of PyG."""

import torch
import torch.nn.functional as F
from graph_methods import batch, graph, method, nodes
from torch_geometric.nn import DeepGraphInfomax

from unlabeled_graph.encoders.gcn import GCN, GCNSettings
from unlabeled_graph.pretexts.dgi import DGI, DGISettings


def test_dgi_is_the_formula_and_that_of_pyg():
    pretext, sample = method(DGI), graph(7)
    made = batch(pretext, [sample])
    true = nodes(pretext, sample.x, sample.edge_index)
    false = nodes(pretext, sample.x[made.order], sample.edge_index)
    summary = torch.sigmoid(true.mean(0))
    theirs = DeepGraphInfomax(6, None, None, None).double()
    theirs.weight.data = pretext.critic.weight.data

    scores = [each @ pretext.critic.weight @ summary for each in (true, false)]
    expected = (F.softplus(-scores[0]).mean() + F.softplus(scores[1]).mean()) / 2

    torch.testing.assert_close(pretext(made).total, expected)
    torch.testing.assert_close(theirs.loss(true, false, summary) / 2, expected)


def test_dgi_shuffles_within_each_graph():
    made = batch(method(DGI), [graph(5), graph(8)])

    assert sorted(made.order[:5].tolist()) == list(range(5))
    assert sorted(made.order[5:].tolist()) == list(range(5, 13))
    assert made.order.tolist() != list(range(13))


def test_gcn_takes_part_too():
    encoder = GCN(GCNSettings(node_features=4, width=6, depth=1, norm="none")).double()
    pretext = DGI(DGISettings(), encoder).double()

    assert torch.isfinite(pretext(batch(pretext, [graph(5)])).total)
