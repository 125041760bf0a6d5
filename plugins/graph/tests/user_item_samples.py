"""Random interactions, and the encoder of them in float64."""

import numpy as np
import torch

from unlabeled_graph.encoders.light_gcn import LightGCN, LightGCNSettings
from unlabeled_graph.interactions import Interactions


def interactions(users=5, items=7, share=0.4, seed=0):
    has = np.random.default_rng(seed).random((users, items)) < share
    user, item = np.nonzero(has)
    return Interactions(user, item, users, items, f"digest {seed}")


def adjacency(sample):
    """(M, M) float64 of the bipartite graph, without self-loops."""
    both = torch.zeros(sample.users + sample.items, sample.users + sample.items).double()
    both[sample.user, sample.item + sample.users] = 1
    return both + both.T


def normalised(sample):
    """D^-½ A D^-½, with 0 where a node has no neighbour."""
    both = adjacency(sample)
    scale = torch.where(both.sum(1) > 0, both.sum(1), torch.inf).rsqrt()
    return scale[:, None] * both * scale


def light_gcn(sample, **settings):
    torch.manual_seed(0)
    facts = {"users": sample.users, "items": sample.items, "interactions": sample.digest}
    return LightGCN(LightGCNSettings(**facts, **{"width": 4, "layers": 2, **settings})).double()
