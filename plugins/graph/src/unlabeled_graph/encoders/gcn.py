"""GCN: graph convolutional network.

Source: Kipf and Welling, ICLR 2017, arXiv:1609.02907, equation 2. Self-loops are added by the
layer, which is PyG's `GCNConv` in parameters and results. It does not use edge features.
"""

from __future__ import annotations

from torch import nn

from unlabeled_graph.encoders.body import Body, BodySettings, GraphEncoder, layer_widths
from unlabeled_graph.encoders.gcn_layer import GCNLayer


class GCNSettings(BodySettings):
    """Neighbours are weighted by the degrees of both ends."""


class GCN(GraphEncoder):
    """Graphs → (N, D), or their nodes → (M, D)."""

    settings_type = GCNSettings
    settings: GCNSettings

    def __init__(self, settings: GCNSettings) -> None:
        super().__init__(settings)
        layers = [self.layer(below, above) for below, above in layer_widths(settings)]
        self.body = Body(settings, layers)
        self.outputs = self.body.outputs()

    def layer(self, below: int, above: int) -> nn.Module:
        """A new layer, (M, below) → (M, above)."""
        return GCNLayer(below, above)
