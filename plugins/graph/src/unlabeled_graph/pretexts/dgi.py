"""Deep Graph Infomax: match nodes to the summary of their graph, against nodes with shuffled
features.

Source: Veličković et al., ICLR 2019, arXiv:1809.10341, section 3.4 and equation 1.

    loss = BCE of  hᵀ W s  over true nodes against nodes encoded from shuffled features
    s = sigmoid(mean of the graph's nodes)

The rows of x are shuffled within each graph; edges stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn
from torch_geometric.data import Data

from unlabeled.contract import Encoder, Loss, Pretext
from unlabeled.objectives.bce import bce_loss
from unlabeled.randomness import Draw
from unlabeled.settings import Settings
from unlabeled_graph.encoders.body import graph_encoder
from unlabeled_graph.graphs import GraphBatch
from unlabeled_graph.readout import readout


class DGISettings(Settings):
    """Nothing to set: the method has no parameters beside the encoder's."""


@dataclass(slots=True)
class Example:
    """order: (N,) index of the node whose features are copied to each node of the corrupted
    graph."""

    graph: Data
    order: np.ndarray


@dataclass(slots=True)
class Examples:
    """order: (M,) in the numbers of the batch."""

    graphs: GraphBatch
    order: Tensor


class DGI(Pretext):
    """Encoder on true and on shuffled features → bilinear critic against the summary → BCE."""

    settings_type = DGISettings
    settings: DGISettings

    def __init__(self, settings: DGISettings, encoder: Encoder) -> None:
        """Raises RecipeError if the encoder is not of this plugin."""
        super().__init__(settings, encoder)
        width = graph_encoder(encoder).body.settings.width
        self.critic = nn.Linear(width, width, bias=False)

    def example(self, sample: Data, draw: Draw) -> Example:
        return Example(sample, draw.rng("shuffle").permutation(len(sample.x)))

    def collate(self, examples: Sequence[Example]) -> Examples:
        sizes = np.array([len(example.order) for example in examples])
        first = np.cumsum(sizes) - sizes
        order = [e.order + start for e, start in zip(examples, first, strict=True)]
        graphs = self.encoder.collate([example.graph for example in examples])
        return Examples(graphs, torch.from_numpy(np.concatenate(order)))

    def forward(self, batch: Examples) -> Loss:
        graphs, body = batch.graphs, graph_encoder(self.encoder).body
        shuffled = replace(graphs, x=graphs.x.index_select(0, batch.order))
        true, false = body.states(graphs)[-1], body.states(shuffled)[-1]
        summary = torch.sigmoid(readout(true, graphs.batch, graphs.ptr, ["mean"]))
        wanted = self.critic(summary).index_select(0, graphs.batch)
        loss = bce_loss((true * wanted).sum(1), (false * wanted).sum(1))
        return Loss(loss, count=len(true))
