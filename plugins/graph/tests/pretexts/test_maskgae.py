"""MaskGAE against its formula, written out."""

import torch
from torch_geometric.data import Data

from unlabeled.randomness import Draw
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


def test_maskgae_is_the_formula():
    pretext, sample = method(MaskGAE), graph(9, 20)
    made = batch(pretext, [sample])
    z = nodes(pretext, sample.x, made.graphs.edge_index)

    def chance(pairs):
        return torch.sigmoid(pretext.of_pairs(z[pairs[0]] * z[pairs[1]])).squeeze(1)

    degree = torch.bincount(made.hidden.flatten(), minlength=9)
    expected = (
        -chance(made.hidden).log().mean()
        - (1 - chance(made.others)).log().mean()
        + 0.1 * (pretext.of_degrees(z).squeeze(1) - degree).square().mean()
    )

    torch.testing.assert_close(pretext(made).total, expected)


def test_maskgae_hides_both_directions_and_other_pairs_are_no_edges():
    pretext, sample = method(MaskGAE), graph(9, 20)
    made = batch(pretext, [sample])
    edges = {frozenset(e) for e in sample.edge_index.T.tolist()}
    visible = {frozenset(e) for e in made.graphs.edge_index.T.tolist()}
    hidden = {frozenset(e) for e in made.hidden.T.tolist()}
    others = {frozenset(e) for e in made.others.T.tolist()}

    assert hidden | visible == edges
    assert not hidden & visible
    assert len(hidden) == made.hidden.shape[1] == len(edges) // 2
    assert not others & edges
    assert len(others) == made.others.shape[1] == len(hidden)
