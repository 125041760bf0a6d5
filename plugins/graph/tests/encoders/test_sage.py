import importlib

import torch
from torch_geometric.data import Data

NAMES = {"gin": "GIN", "gcn": "GCN", "gat": "GAT", "sage": "SAGE"}


def parts(kind):
    module = importlib.import_module(f"unlabeled_graph.encoders.{kind}")
    return getattr(module, NAMES[kind]), getattr(module, f"{NAMES[kind]}Settings")


def encoder(kind, **settings):
    torch.manual_seed(0)
    cls, model = parts(kind)
    return cls(model(**{"node_features": 3, "width": 8, "depth": 2, **settings})).double().eval()


def graph(size, edges):
    generator = torch.Generator().manual_seed(size)
    return Data(
        x=torch.randn(size, 3, generator=generator, dtype=torch.float64),
        edge_index=torch.randint(size, (2, edges), generator=generator),
        edge_attr=torch.randn(edges, 2, generator=generator, dtype=torch.float64),
    )


def test_sage_is_the_published_formula():
    model, sample = encoder("sage", depth=1, norm="none"), graph(4, 6)
    layer = model.body.layers[0]
    mean = torch.zeros_like(sample.x)
    for node in range(4):
        neighbours = sample.x[sample.edge_index[0][sample.edge_index[1] == node]]
        if len(neighbours):
            mean[node] = neighbours.mean(0)

    found = model.encode(model.collate([sample]), "nodes").values

    torch.testing.assert_close(found, (layer.lin_l(mean) + layer.lin_r(sample.x)).relu())
