"""MaskGAE: mask edges, encode the rest, predict masked edges against non-edges.

Source: Li et al., KDD 2023, arXiv:2205.10053, equations 6 to 8.

    loss = mean over hidden edges of -log d(i, j)  +  mean over other pairs of -log(1 - d(i, j))
         + α · mean over nodes of (predicted − hidden degree)²,   d = sigmoid(MLP(z_i ∘ z_j))

An edge is hidden with both directions: the authors' code hides directions one by one and leaves 30
% of the hidden edges visible. Other pairs are never edges of the graph.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn
from torch_geometric.data import Data

from unlabeled.contract import Encoder, Loss, Pretext
from unlabeled.distributed import global_mean
from unlabeled.objectives.bce import bce_loss
from unlabeled.randomness import Draw
from unlabeled.settings import Settings
from unlabeled_graph.encoders.body import graph_encoder
from unlabeled_graph.graphs import GraphBatch
from unlabeled_graph.pairs import other_pairs, pairs_of


class MaskGAESettings(Settings):
    """The paper's p and α, and its decoder's width."""

    mask_ratio: float = Field(0.7, gt=0, lt=1, description="share of the edges hidden")
    degree: float = Field(0.001, ge=0, description="weight α of the hidden degrees")
    decoder: int = Field(64, gt=0, description="hidden width of the two decoders")


@dataclass(slots=True)
class Example:
    """graph: without its hidden edges; hidden, others: (2, P) and (2, Q) pairs of nodes."""

    graph: Data
    hidden: np.ndarray
    others: np.ndarray


@dataclass(slots=True)
class Examples:
    """Pairs in the numbers of the batch; degree: (M,), hidden edges at each node."""

    graphs: GraphBatch
    hidden: Tensor
    others: Tensor
    degree: Tensor


class MaskGAE(Pretext):
    """Visible edges → encoder → decoder of pairs, and of degrees."""

    settings_type = MaskGAESettings
    settings: MaskGAESettings

    def __init__(self, settings: MaskGAESettings, encoder: Encoder) -> None:
        """Raises RecipeError if the encoder is not of this plugin."""
        super().__init__(settings, encoder)
        width = graph_encoder(encoder).body.settings.width
        self.of_pairs, self.of_degrees = (
            nn.Sequential(
                nn.Linear(width, settings.decoder), nn.ReLU(), nn.Linear(settings.decoder, 1)
            )
            for _ in range(2)
        )

    def example(self, sample: Data, draw: Draw) -> Example:
        rng = draw.rng("mask")
        pairs, pair = pairs_of(sample.edge_index.numpy())
        count = int(self.settings.mask_ratio * pairs.shape[1])
        chosen = rng.permutation(pairs.shape[1])[:count]
        visible = ~np.isin(pair, chosen)
        seen = Data(
            x=sample.x,
            edge_index=sample.edge_index[:, torch.from_numpy(visible)],
            edge_attr=None if sample.edge_attr is None else sample.edge_attr[visible],
        )
        return Example(seen, pairs[:, chosen], other_pairs(pairs, len(sample.x), count, rng))

    def collate(self, examples: Sequence[Example]) -> Examples:
        graphs = self.encoder.collate([example.graph for example in examples])
        sizes = np.array([len(example.graph.x) for example in examples])
        first = np.cumsum(sizes) - sizes
        hidden, others = (
            np.concatenate([getattr(e, kind) + s for e, s in zip(examples, first, strict=True)], 1)
            for kind in ("hidden", "others")
        )
        degree = np.bincount(hidden.ravel(), minlength=sizes.sum()).astype(np.float32)
        return Examples(graphs, *map(torch.from_numpy, (hidden, others, degree)))

    def forward(self, batch: Examples) -> Loss:
        nodes = graph_encoder(self.encoder).body.states(batch.graphs)[-1]
        true, false = self._scores(nodes, batch.hidden), self._scores(nodes, batch.others)
        none = true[:0]
        degree = self.of_degrees(nodes).squeeze(1)
        parts = {
            "edges": bce_loss(true, none) + bce_loss(none, false),
            "degrees": self.settings.degree * global_mean((degree - batch.degree).square()),
        }
        return Loss(parts["edges"] + parts["degrees"], parts)

    def _scores(self, nodes: Tensor, pairs: Tensor) -> Tensor:
        """The log odds of (2, P) pairs of nodes, (P,)."""
        joint = nodes.index_select(0, pairs[0]) * nodes.index_select(0, pairs[1])
        scores: Tensor = self.of_pairs(joint).squeeze(1)
        return scores
