"""InfoGraph: match nodes to their graph among all graphs of the batch.

Source: Sun et al., ICLR 2020, arXiv:1908.01000, equation 4 (unsupervised).

    loss = Jensen-Shannon loss of  f(node) · g(graph)  over pairs of a node and its own graph,
           against pairs of a node and another graph

f and g are MLPs of three layers with a linear shortcut, as in the authors' code. Where the encoder
reads out all layers, nodes are all layers side by side too.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch_geometric.data import Data

from unlabeled.contract import Encoder, Loss, Pretext
from unlabeled.distributed import gather_rows, rank, row_counts
from unlabeled.objectives.checks import require_joint_batch
from unlabeled.objectives.jsd import jsd_loss
from unlabeled.randomness import Draw
from unlabeled.settings import Settings
from unlabeled_graph.encoders.body import graph_encoder
from unlabeled_graph.graphs import GraphBatch
from unlabeled_graph.readout import readout


class InfoGraphSettings(Settings):
    """Nothing to set: the heads are as wide as their input."""


class InfoGraph(Pretext):
    """Encoder → heads for nodes and for graphs → all their products → Jensen-Shannon loss."""

    settings_type = InfoGraphSettings
    settings: InfoGraphSettings

    def __init__(self, settings: InfoGraphSettings, encoder: Encoder) -> None:
        """Raises RecipeError if the encoder is not of this plugin."""
        super().__init__(settings, encoder)
        self.all_layers = graph_encoder(encoder).body.settings.jump == "all"
        layers = graph_encoder(encoder).body.settings.depth if self.all_layers else 1
        width = graph_encoder(encoder).body.settings.width * layers
        kinds = graph_encoder(encoder).body.settings.readout
        self.nodes, self.graphs = Head(width, width), Head(width * len(kinds), width)

    @property
    def smallest_batch(self) -> int:
        return 2

    def example(self, sample: Data, draw: Draw) -> Data:  # noqa: ARG002
        return sample

    def collate(self, examples: Sequence[Data]) -> GraphBatch:
        batch: GraphBatch = self.encoder.collate(examples)
        return batch

    def forward(self, batch: GraphBatch) -> Loss:
        body = graph_encoder(self.encoder).body
        states = body.states(batch)
        seen = torch.cat(states, dim=1) if self.all_layers else states[-1]
        pooled = readout(seen, batch.batch, batch.ptr, body.settings.readout)
        require_joint_batch(pooled, "graphs", at_least=self.smallest_batch)
        scores = self.nodes(seen) @ gather_rows(self.graphs(pooled)).T
        own = torch.zeros_like(scores, dtype=torch.bool)
        own.scatter_(1, (batch.batch + sum(row_counts(pooled)[: rank()])).unsqueeze(1), True)
        return Loss(jsd_loss(scores[own], scores[~own]))


class Head(nn.Module):
    """(N, width) → (N, out): three layers of an MLP, plus a linear map."""

    def __init__(self, width: int, out: int) -> None:
        super().__init__()
        pairs = ((width, out), (out, out), (out, out))
        self.mlp = nn.Sequential(*(part for a, b in pairs for part in (nn.Linear(a, b), nn.ReLU())))
        self.shortcut = nn.Linear(width, out)

    def forward(self, x: Tensor) -> Tensor:
        mapped: Tensor = self.mlp(x) + self.shortcut(x)
        return mapped
