"""Random graphs with attributes of edges, and the encoders of the plugin by name."""

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
