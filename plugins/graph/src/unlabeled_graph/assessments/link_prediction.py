"""Link prediction: rank held-out edges above pairs of nodes without an edge.

Source: the protocol of Kipf and Welling 2016, arXiv:1611.07308: some edges are removed before
pretraining, as many other pairs are drawn, and both are scored by the embeddings of their ends.

    held = hold_out(graph, share=0.1, seed=0)
    save_graphs([held.graph], "train/graph.safetensors")   # pretrain on this
    # unlabeled evaluate RUN whole/graph.safetensors --assess graph/link_prediction
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from sklearn.metrics import average_precision_score, roc_auc_score
from torch import Tensor
from torch_geometric.data import Data

from unlabeled.contract import Assessed, Assessment, LabelledItems, Piece, Score, Source, Subject
from unlabeled.errors import DataError
from unlabeled_graph.encoders.body import GraphEncoder
from unlabeled_graph.pairs import other_pairs, pairs_of


@dataclass(frozen=True, slots=True)
class HeldOut:
    """graph: without the held-out edges; edges, others: (2, P) held-out edges and (2, Q) pairs
    without an edge."""

    graph: Data
    edges: np.ndarray
    others: np.ndarray


def hold_out(graph: Data, share: float = 0.1, seed: int = 0) -> HeldOut:
    """Remove a share of the edges, in both directions. Raises DataError if that is no edge."""
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


def cosines(nodes: Tensor, held: HeldOut) -> tuple[np.ndarray, np.ndarray]:
    """The cosine of both ends of each pair, (P + Q,), and whether it is an edge. nodes: (N, D)."""
    unit = torch.nn.functional.normalize(nodes - nodes.mean(0), dim=1).numpy()
    ends = np.concatenate([held.edges, held.others], axis=1)
    true = np.repeat([True, False], [held.edges.shape[1], held.others.shape[1]])
    return (unit[ends[0]] * unit[ends[1]]).sum(1), true


class LinkPrediction(Assessment):
    """Area under the ROC curve and average precision of the cosine of both ends' embeddings.

    The graphs that are given are whole; `share` and `seed` are those with which `hold_out` made the
    graphs that were pretrained on. Encoders see only the remaining edges.
    """

    uses_labels: ClassVar[bool] = False
    encoders: ClassVar[tuple[type, ...]] = (GraphEncoder,)
    output_kind: ClassVar[Literal["nodes"]] = "nodes"
    share: float = Field(0.1, gt=0, lt=1, description="of the edges, that are held out")
    seed: int = Field(0, ge=0, description="of the draw of edges and other pairs")

    def assess(
        self,
        subject: Subject,
        source: Source,
        labels: LabelledItems | None,  # noqa: ARG002
        rng: np.random.Generator,  # noqa: ARG002 - the seed has to be that of before pretraining
    ) -> Assessed | None:
        """Raises DataError where no graph has enough edges."""
        scores, true, units, groups = [], [], [], []
        for row, held in self._held(source):
            pieces = subject.encode([held.graph], kind="nodes")
            if pieces is None:
                return None
            found, edge = cosines(_in_order(pieces[0]), held)
            ends = np.concatenate([held.edges, held.others], axis=1)
            scores.append(found)
            true.append(edge)
            units += [f"{source.items[row].id} {i} {j}" for i, j in ends.T.tolist()]
            groups += [source.items.groups[row]] * len(found)
        if not units:
            raise DataError(f"a share of {self.share} of the edges is none, in every graph")
        alone = len(set(groups)) == 1
        return Assessed(
            np.array(units),
            np.array(units if alone else groups),
            _scores(np.concatenate(scores), np.concatenate(true)),
            about={"held out": f"{self.share:g} of the edges, drawn by seed {self.seed}"},
            notes=(ONE_GRAPH,) if alone else (),
        )

    def _held(self, source: Source) -> Iterator[tuple[int, HeldOut]]:
        for row in range(len(source.items)):
            for graph in source.tried(row, source.reader.read):
                if int(self.share * _proper(graph)):
                    yield row, hold_out(graph, self.share, self.seed)


ONE_GRAPH = (
    "All pairs are of one graph or group: each counts as its own group, though those that share "
    "nodes depend on one another."
)


def _proper(graph: Data) -> int:
    """How many edges join two different nodes."""
    pairs, _ = pairs_of(graph.edge_index.numpy())
    return int((pairs[0] != pairs[1]).sum())


def _in_order(piece: Piece) -> Tensor:
    """Row k is about node k, (N, D)."""
    order = slice(None) if piece.node is None else np.argsort(piece.node)
    return torch.from_numpy(np.nan_to_num(piece.values[order]))


def _scores(found: np.ndarray, true: np.ndarray) -> tuple[Score, ...]:
    def of(measure: Callable[..., float]) -> Callable[[np.ndarray], float]:
        def score(at: np.ndarray) -> float:
            # A resample may hold edges alone.
            both = true[at].any() and not true[at].all()
            return float(measure(true[at], found[at])) if both else float("nan")

        return score

    return (
        Score("roc_auc", of(roc_auc_score)),
        Score("average_precision", of(average_precision_score)),
    )
