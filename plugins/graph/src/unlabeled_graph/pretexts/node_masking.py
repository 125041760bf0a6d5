"""Masked nodes: their choice, their replacement, and the masked batch.

Source: Hou et al., KDD 2022, arXiv:2205.10803 (GraphMAE), section 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch_geometric.data import Data

from unlabeled.contract import Encoder
from unlabeled.distributed import gather_rows
from unlabeled.randomness import Draw
from unlabeled_graph.augmentations.drop_edges import kept_edges
from unlabeled_graph.encoders.body import Body
from unlabeled_graph.graphs import GraphBatch
from unlabeled_graph.neighbour_sums import available
from unlabeled_graph.sparse_rows import SparseRows, split, worth_it

DONORS = 2**31
"""Places are drawn as whole numbers: mixed precision rounds the floats of a batch."""


@dataclass(slots=True)
class MaskedGraph:
    """One graph and its plan. masked: (P,) node numbers; replaced: (R,) some of them;
    donors: (R,) in [0, DONORS), relative place in the joint batch from which features are copied;
    kept: (E,) bool, edges that stay."""

    graph: Data
    masked: np.ndarray
    replaced: np.ndarray
    donors: np.ndarray
    kept: np.ndarray


@dataclass(slots=True)
class MaskedGraphs:
    """A batch of masked graphs; node numbers are those of the batch."""

    graphs: GraphBatch
    masked: Tensor
    replaced: Tensor
    donors: Tensor
    kept: Tensor


def mask(sample: Data, draw: Draw, ratio: float, replace: float, drop: float) -> MaskedGraph:
    """Hide ⌊ratio · N⌋ nodes, at least one; a share `replace` of them shows other features.

    drop: the share of edges that go, with both directions.
    """
    rng = draw.rng("mask")
    count = max(1, int(ratio * len(sample.x)))
    masked = rng.permutation(len(sample.x))[:count]
    replaced = int(replace * count + rng.random())
    return MaskedGraph(
        graph=sample,
        masked=masked,
        replaced=masked[:replaced],
        donors=(rng.random(replaced) * DONORS).astype(np.int64),
        kept=kept_edges(sample.edge_index, drop, draw.rng("edges")),
    )


def join_masked(encoder: Encoder, examples: Sequence[MaskedGraph]) -> MaskedGraphs:
    """The encoder's batch, and the plans in its numbers."""
    sizes = np.array([len(example.graph.x) for example in examples])
    first = np.cumsum(sizes) - sizes
    masked = [e.masked + start for e, start in zip(examples, first, strict=True)]
    replaced = [e.replaced + start for e, start in zip(examples, first, strict=True)]
    return MaskedGraphs(
        graphs=encoder.collate([example.graph for example in examples]),
        masked=torch.from_numpy(np.concatenate(masked)),
        replaced=torch.from_numpy(np.concatenate(replaced)),
        donors=torch.from_numpy(np.concatenate([e.donors for e in examples])),
        kept=torch.from_numpy(np.concatenate([e.kept for e in examples])),
    )


def shown(batch: MaskedGraphs, token: Tensor, body: Body, *, borrow: bool) -> Tensor | SparseRows:
    """The corrupted features, (M, F): mask tokens, features copied from the joint batch, and
    unchanged ones.

    token: (1, F); borrow: whether any graph of any process has replaced nodes.
    """
    x, tokens = batch.graphs.x, among(batch.graphs.x, batch.masked)
    tokens = tokens.index_fill(0, batch.replaced, False)
    everywhere = gather_rows(x) if borrow else x
    borrowed = everywhere.index_select(0, batch.donors * len(everywhere) // DONORS)
    if body.takes_sparse and available(x) and worth_it(x):
        at = tokens.nonzero().flatten()
        filled = torch.cat([token.expand(len(at), -1), borrowed])
        return split(x, filled, torch.cat([at, batch.replaced]))
    seen = torch.where(tokens.unsqueeze(1), token.to(x.dtype), x)
    return seen.index_copy(0, batch.replaced, borrowed)


def among(x: Tensor, places: Tensor) -> Tensor:
    """(M,) bool, True at the row numbers `places` of x."""
    return torch.zeros(len(x), dtype=torch.bool, device=x.device).index_fill(0, places, True)
