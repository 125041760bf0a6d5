"""DGI against its formula, written out, and that of PyG."""

import torch
import torch.nn.functional as F
from torch_geometric.data import Data
from torch_geometric.nn import DeepGraphInfomax

from unlabeled.randomness import Draw
from unlabeled_graph.encoders.gcn import GCN, GCNSettings
from unlabeled_graph.encoders.gin import GIN, GINSettings
from unlabeled_graph.pretexts.dgi import DGI, DGISettings
from unlabeled_graph.pretexts.graphmae2 import GraphMAE2, GraphMAE2Settings
from unlabeled_graph.pretexts.infograph import InfoGraph, InfoGraphSettings
from unlabeled_graph.pretexts.maskgae import MaskGAE, MaskGAESettings

METHODS = {
    DGI: DGISettings(),
    InfoGraph: InfoGraphSettings(),
    MaskGAE: MaskGAESettings(mask_ratio=0.5, degree=0.1),
    GraphMAE2: GraphMAE2Settings(latent=0.5),
}


def graph(size, edges=None):
    generator = torch.Generator().manual_seed(size)
    ends = torch.randint(size, (2, size if edges is None else edges), generator=generator)
    x = torch.rand(size, 4, generator=generator, dtype=torch.float64) + 0.1
    return Data(x, torch.cat([ends, ends.flip(0)], dim=1))


def method(kind, settings=None, encoder=None):
    torch.manual_seed(0)
    values = {"node_features": 4, "width": 6, "depth": 2, "norm": "none", **(encoder or {})}
    return kind(settings or METHODS[kind], GIN(GINSettings(**values))).double()


def batch(pretext, samples, epoch=0):
    return pretext.collate(
        [pretext.example(s, Draw(0, epoch, f"item{n}", 0, "")) for n, s in enumerate(samples)]
    )


def nodes(pretext, x, edge_index):
    return pretext.encoder.encode(pretext.encoder.collate([Data(x, edge_index)]), "nodes").values


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
