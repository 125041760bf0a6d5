"""GAT: graph attention network, with edge features where the data have them.

Source: Veličković et al., ICLR 2018, arXiv:1710.10903, equations 1 to 5; the heads stand side by
side in every layer, as in GraphMAE. Self-loops are added by the layer, which is PyG's `GATConv` in
parameters and results.
"""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator
from torch import nn

from unlabeled_graph.encoders.body import Body, EdgeFeatureSettings, GraphEncoder, layer_widths
from unlabeled_graph.encoders.gat_layer import GATLayer


class GATSettings(EdgeFeatureSettings):
    """`width` is that of all heads together."""

    heads: int = Field(4, gt=0, description="attention heads; they divide the width")
    attention_dropout: float = Field(0.0, ge=0, lt=1, description="of attention weights")

    @model_validator(mode="after")
    def _divides(self) -> Self:
        if self.width % self.heads:
            raise ValueError(f"width ({self.width}) is no multiple of heads ({self.heads})")
        return self


class GAT(GraphEncoder):
    """Graphs → (N, D), or their nodes → (M, D)."""

    settings_type = GATSettings
    settings: GATSettings

    def __init__(self, settings: GATSettings) -> None:
        super().__init__(settings)
        layers = [self.layer(below, above) for below, above in layer_widths(settings)]
        self.body = Body(settings, layers, edge_features=settings.edge_features or 0)
        self.outputs = self.body.outputs()

    def layer(self, below: int, above: int) -> nn.Module:
        """A new layer, (M, below) → (M, above); of one head if the heads do not divide `above`."""
        heads = self.settings.heads if above % self.settings.heads == 0 else 1
        return GATLayer(
            below,
            above // heads,
            heads=heads,
            dropout=self.settings.attention_dropout,
            edge_features=self.settings.edge_features or None,
        )
