"""Layers of PyG by name: `SAGEConv`, `GraphConv`, `TransformerConv`, `GATv2Conv` and so on.

Source: Fey and Lenssen 2019, arXiv:1903.02428; each layer names its paper in PyG's documentation.
A recipe can name only layers and arguments of the table in `pyg_layers`.
"""

from __future__ import annotations

from typing import Any

import torch_geometric.nn
from pydantic import Field, ValidationInfo, field_validator
from torch import nn

from unlabeled.allowed import allowed_arguments, allowed_name
from unlabeled.errors import RecipeError
from unlabeled_graph.encoders.body import Body, EdgeFeatureSettings, GraphEncoder, layer_widths
from unlabeled_graph.encoders.pyg_layers import LAYERS


class PyGSettings(EdgeFeatureSettings):
    """A layer is built as `Layer(in_channels=…, out_channels=…, **arguments)`."""

    layer: str = Field("GraphConv", description="name of a layer in torch_geometric.nn")
    arguments: dict[str, Any] = Field({}, description="further arguments of the layer")
    passes_edges: bool = Field(
        False, description="pass edge features as edge_attr, and their width as edge_dim"
    )

    @field_validator("layer")
    @classmethod
    def _is_allowed(cls, name: str) -> str:
        return allowed_name(LAYERS, name, "encoder.layer")

    @field_validator("arguments")
    @classmethod
    def _are_allowed(cls, arguments: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        if "layer" not in info.data:  # it has been refused already
            return arguments
        return allowed_arguments(LAYERS, info.data["layer"], arguments, "encoder.arguments")


class PyG(GraphEncoder):
    """Graphs → (N, D), or their nodes → (M, D)."""

    settings_type = PyGSettings
    settings: PyGSettings

    def __init__(self, settings: PyGSettings) -> None:
        """Raises RecipeError if the layer does not take these arguments, or has another width."""
        super().__init__(settings)
        layers = [self.layer(below, above) for below, above in layer_widths(settings)]
        edges = (settings.edge_features or 0) if settings.passes_edges else 0
        self.body = Body(settings, layers, edge_features=edges)
        self.outputs = self.body.outputs()

    def layer(self, below: int, above: int) -> nn.Module:
        """A new layer, (M, below) → (M, above)."""
        arguments = dict(self.settings.arguments)
        if self.settings.passes_edges and self.settings.edge_features:
            arguments["edge_dim"] = self.settings.edge_features
        kind = getattr(torch_geometric.nn, self.settings.layer)
        try:
            layer: nn.Module = kind(in_channels=below, out_channels=above, **arguments)
        except (TypeError, ValueError, AssertionError) as error:
            raise RecipeError(f"encoder.arguments: {self.settings.layer}: {error}") from error
        return layer
