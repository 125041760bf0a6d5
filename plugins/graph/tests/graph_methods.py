"""Small graphs, and the methods of the plugin on a small encoder."""

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
