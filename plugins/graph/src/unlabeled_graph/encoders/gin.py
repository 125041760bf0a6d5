"""GIN: graph isomorphism network, with edge features where the data have them.

Source: Xu et al., ICLR 2019, arXiv:1810.00826, equation 4.1 with ε = 0; edge features as in Hu et
al., ICLR 2020, arXiv:1905.12265: a neighbour's message is ReLU(its state + the edge's projection).
The layers are PyG's `GINConv` in parameters and results, and `GINEConv`.
"""

from __future__ import annotations

from pydantic import Field
from torch import nn
from torch_geometric.nn import GINEConv

from unlabeled_graph.encoders.body import (
    Body,
    EdgeFeatureSettings,
    GraphEncoder,
    layer_widths,
    make_activation,
    make_norm,
)
from unlabeled_graph.encoders.gin_layer import GINLayer


class GINSettings(EdgeFeatureSettings):
    """Every layer is an MLP of two linear maps on the sum over the neighbours and the node.

    Hu et al. have a stem and an expansion of 2.
    """

    stem: bool = Field(False, description="a linear map of x below the first layer")
    expansion: int = Field(1, gt=0, description="hidden width of the MLPs, in widths")


class GIN(GraphEncoder):
    """Graphs → (N, D), or their nodes → (M, D)."""

    settings_type = GINSettings
    settings: GINSettings

    def __init__(self, settings: GINSettings) -> None:
        super().__init__(settings)
        widths, stem = list(layer_widths(settings)), None
        if settings.stem:
            stem = nn.Linear(widths[0][0], settings.width)
            widths[0] = (settings.width, settings.width)
        layers = [self.layer(below, above) for below, above in widths]
        self.body = Body(settings, layers, edge_features=settings.edge_features or 0, stem=stem)
        self.outputs = self.body.outputs()

    def layer(self, below: int, above: int) -> nn.Module:
        """A new layer, (M, below) → (M, above); its hidden layer has `expansion` widths."""
        width = self.settings.expansion * self.settings.width
        mlp = nn.Sequential(
            nn.Linear(below, width),
            make_norm(self.settings.norm, width),
            make_activation(self.settings.activation),
            nn.Linear(width, above),
        )
        edges = self.settings.edge_features
        layer: nn.Module = GINEConv(mlp, edge_dim=edges) if edges else GINLayer(mlp)
        return layer
