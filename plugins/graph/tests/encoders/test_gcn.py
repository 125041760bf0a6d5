import importlib

import torch
from torch_geometric.data import Data
from torch_geometric.utils import add_self_loops

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


def test_gcn_is_the_published_formula():
    model, sample = encoder("gcn", depth=1, norm="none"), graph(5, 7)
    looped, _ = add_self_loops(torch.unique(sample.edge_index, dim=1))
    looped = looped[:, looped[0] != looped[1]]
    adjacency = torch.eye(5, dtype=torch.float64)
    adjacency[looped[1], looped[0]] = 1
    scale = adjacency.sum(1).rsqrt()
    sample.edge_index = looped

    found = model.encode(model.collate([sample]), "nodes").values

    layer = model.body.layers[0]
    expected = (scale[:, None] * adjacency * scale) @ layer.lin(sample.x) + layer.bias
    torch.testing.assert_close(found, expected.relu(), atol=1e-10, rtol=0)
