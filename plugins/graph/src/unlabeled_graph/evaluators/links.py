"""Link prediction: are held-out edges told from pairs of nodes that are none?

Source: the protocol of Kipf and Welling 2016, arXiv:1611.07308: some edges are taken out before
pretraining, as many other pairs are drawn, and both are scored by the embeddings of their ends.

    held = hold_out(graph, share=0.1, seed=0)
    save_graphs([held.graph], "train/graph.safetensors")   # pretrain on this
    auc, ap = link_scores(nodes, held)                     # nodes: (N, D) of that run
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from sklearn.metrics import average_precision_score, roc_auc_score
from torch import Tensor
from torch_geometric.data import Data

from unlabeled.errors import DataError
from unlabeled_graph.pairs import other_pairs, pairs_of


@dataclass(frozen=True, slots=True)
class HeldOut:
    """graph: what is left; edges, others: (2, P) and (2, Q) pairs that it lacks, true and not."""

    graph: Data
    edges: np.ndarray
    others: np.ndarray


def hold_out(graph: Data, share: float = 0.1, seed: int = 0) -> HeldOut:
    """Take a share of the edges out, with both directions. Raises DataError if that is none."""
    rng = np.random.default_rng(seed)
    pairs, pair = pairs_of(graph.edge_index.numpy())
    proper = np.flatnonzero(pairs[0] != pairs[1])
    count = int(share * len(proper))
    if count == 0:
        raise DataError(f"a share of {share} of {len(proper)} edges is none: nothing is held out")
    taken = rng.permutation(proper)[:count]
    kept = torch.from_numpy(~np.isin(pair, taken))
    attributes = None if graph.edge_attr is None else graph.edge_attr[kept]
    left = Data(graph.x, graph.edge_index[:, kept], attributes)
    return HeldOut(left, pairs[:, taken], other_pairs(pairs, len(graph.x), count, rng))


def link_scores(nodes: Tensor, held: HeldOut) -> tuple[float, float]:
    """Area under the ROC curve and average precision of the cosine of both ends. nodes: (N, D)."""
    unit = torch.nn.functional.normalize(nodes - nodes.mean(0), dim=1).numpy()
    ends = np.concatenate([held.edges, held.others], axis=1)
    scores = (unit[ends[0]] * unit[ends[1]]).sum(1)
    true = np.repeat([1, 0], [held.edges.shape[1], held.others.shape[1]])
    return float(roc_auc_score(true, scores)), float(average_precision_score(true, scores))
