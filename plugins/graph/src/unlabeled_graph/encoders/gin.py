"""GIN: graph isomorphism network, with edge features where the data have them.

Source: Xu et al., ICLR 2019, arXiv:1810.00826, equation 4.1 with ε = 0; edge features as in Hu et
al., ICLR 2020, arXiv:1905.12265: a neighbour's message is ReLU(its state + the edge's projection).
The layers are PyG's `GINConv` and `GINEConv`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn
from torch_geometric.data import Data
from torch_geometric.nn import GINConv, GINEConv

from unlabeled.contract import Encoder, Nodes
from unlabeled_graph.encoders.body import (
    Body,
    BodySettings,
    make_activation,
    make_norm,
    require_node_features,
)
from unlabeled_graph.graphs import GraphBatch


class GINSettings(BodySettings):
    """Every layer is an MLP of two linear maps on the sum over the neighbours and the node."""


class GIN(Encoder):
    """Graphs → (N, D), or their nodes → (M, D)."""

    settings_type = GINSettings

    def __init__(self, settings: GINSettings) -> None:
        super().__init__(settings)
        widths = [require_node_features(settings), *[settings.width] * settings.depth]
        self.body = Body(
            settings,
            (gin_layer(below, above, settings) for below, above in pairwise(widths)),
        )
        self.outputs = self.body.outputs()

    def collate(self, samples: Sequence[Data]) -> GraphBatch:
        return self.body.collate(samples)

    def encode(self, batch: GraphBatch, output: str) -> Tensor | Nodes:
        encoding: Tensor | Nodes = self.body(batch, output)
        return encoding


def gin_layer(below: int, above: int, settings: BodySettings) -> nn.Module:
    """One layer, (M, below) → (M, above); the MLP's hidden layer has the encoder's width."""
    mlp = nn.Sequential(
        nn.Linear(below, settings.width),
        make_norm(settings.norm, settings.width),
        make_activation(settings.activation),
        nn.Linear(settings.width, above),
    )
    layer: nn.Module = (
        GINEConv(mlp, edge_dim=settings.edge_features) if settings.edge_features else GINConv(mlp)
    )
    return layer
