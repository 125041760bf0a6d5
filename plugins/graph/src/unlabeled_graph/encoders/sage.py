"""GraphSAGE: each node beside the mean of its neighbours, by PyG's `SAGEConv`.

Source: Hamilton, Ying and Leskovec, NeurIPS 2017, arXiv:1706.02216, algorithm 1 with the mean
aggregator. It looks at no edge features.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch_geometric.data import Data
from torch_geometric.nn import SAGEConv

from unlabeled.contract import Encoder, Nodes
from unlabeled_graph.encoders.body import Body, BodySettings, layer_widths
from unlabeled_graph.graphs import GraphBatch


class SAGESettings(BodySettings):
    """All neighbours count alike; the node itself has weights of its own."""


class SAGE(Encoder):
    """Graphs → (N, D), or their nodes → (M, D)."""

    settings_type = SAGESettings
    settings: SAGESettings

    def __init__(self, settings: SAGESettings) -> None:
        super().__init__(settings)
        layers = [self.layer(below, above) for below, above in layer_widths(settings)]
        self.body = Body(settings, layers)
        self.outputs = self.body.outputs()

    def layer(self, below: int, above: int) -> nn.Module:
        """A new layer, (M, below) → (M, above)."""
        layer: nn.Module = SAGEConv(below, above)
        return layer

    def collate(self, samples: Sequence[Data]) -> GraphBatch:
        return self.body.collate(samples)

    def encode(self, batch: GraphBatch, output: str) -> Tensor | Nodes:
        encoding: Tensor | Nodes = self.body(batch, output)
        return encoding
