"""GraphSAGE: each node beside the mean of its neighbours, by PyG's `SAGEConv`.

Source: Hamilton, Ying and Leskovec, NeurIPS 2017, arXiv:1706.02216, algorithm 1 with the mean
aggregator. It does not use edge features.
"""

from __future__ import annotations

from torch import nn
from torch_geometric.nn import SAGEConv

from unlabeled_graph.encoders.body import Body, BodySettings, GraphEncoder, layer_widths


class SAGESettings(BodySettings):
    """All neighbours count alike; the node itself has weights of its own."""


class SAGE(GraphEncoder):
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
