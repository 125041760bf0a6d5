"""Embeddings of all nodes of a graph that does not fit in one pass: one layer at a time.

A pass over a sample of neighbours is an approximation; here every node sees all of its
neighbours, once per layer, whatever the depth. Source: Hamilton et al. 2017; the way of
inference of PyG's examples of GraphSAGE.

    nodes = embed_nodes(load_encoder("runs/large"), LargeGraph.open(file))   # (N, D)
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from unlabeled.contract import Encoder
from unlabeled_graph.encoders.body import graph_encoder
from unlabeled_graph.graphs import GraphBatch
from unlabeled_graph.large_graph import LargeGraph

CHUNK = 20_000
"""Nodes computed at once; these with their neighbours, and two layers, are in memory."""


@torch.inference_mode()
def embed_nodes(encoder: Encoder, graph: LargeGraph, chunk: int = CHUNK) -> np.ndarray:
    """The output `nodes` for every node of the whole graph, (N, D) float32.

    The encoder must be in eval mode and take no edge features. Raises RecipeError if it is not of
    this plugin.
    """
    body = graph_encoder(encoder).body
    states: np.ndarray = graph.x
    for number in range(len(body.layers)):
        after = np.empty((len(graph), body.settings.width), dtype=np.float32)
        for start in range(0, len(graph), chunk):
            targets = np.arange(start, min(start + chunk, len(graph)))
            after[targets] = _layer(encoder, number, states, graph, targets).numpy()
        states = after
    return states


def _layer(
    encoder: Encoder, number: int, states: np.ndarray, graph: LargeGraph, targets: np.ndarray
) -> Tensor:
    """The states of `targets` after layer `number`, (T, D)."""
    body = graph_encoder(encoder).body
    source, place = graph.into(targets)
    nodes, local = np.unique(np.concatenate([targets, source]), return_inverse=True)
    at, source = local[: len(targets)], local[len(targets) :]
    h = torch.from_numpy(np.asarray(states[nodes], dtype=np.float32))
    part = GraphBatch(
        x=h,
        edge_index=torch.from_numpy(np.stack([source, at[place]])),
        edge_attr=None,
        batch=torch.zeros(len(nodes), dtype=torch.int64),
        ptr=torch.tensor([0, len(nodes)]),
        degree=torch.from_numpy(graph.first[nodes + 1] - graph.first[nodes]),
    )
    h = body.stem(h) if number == 0 else h
    return body.advance(number, h, part).index_select(0, torch.from_numpy(at))
