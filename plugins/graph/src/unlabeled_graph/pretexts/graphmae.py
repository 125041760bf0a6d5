"""GraphMAE: hide nodes, encode the graph, rebuild what the hidden nodes were.

Source: Hou et al., KDD 2022, arXiv:2205.10803, section 3 and equation 2.

Departs from the authors' code in what is drawn: nodes are hidden graph by graph, so that a
graph's mask depends on nothing but the graph; the number of replaced ones is rounded up or down
at random, so that it is right on average for small graphs too; edges are dropped with both
directions. `mask_edges` (off in the paper) hides the features of edges at hidden nodes, as Hu et
al., ICLR 2020, arXiv:1905.12265, do for bonds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch_geometric.data import Data

from unlabeled.contract import Encoder, Loss, Pretext
from unlabeled.objectives.scaled_cosine_error import scaled_cosine_error_loss
from unlabeled.randomness import Draw
from unlabeled.settings import Settings
from unlabeled_graph.encoders.body import Body, GraphEncoder, graph_encoder
from unlabeled_graph.graphs import GraphBatch
from unlabeled_graph.pretexts.node_masking import (
    MaskedGraph,
    MaskedGraphs,
    among,
    join_masked,
    mask,
    shown,
)
from unlabeled_graph.sparse_rows import SparseRows


class GraphMAESettings(Settings):
    """The paper's r, q, p and γ, and its decoder."""

    mask_ratio: float = Field(0.5, gt=0, lt=1, description="share of a graph's nodes hidden")
    replace_ratio: float = Field(
        0.0, ge=0, lt=1, description="share of the hidden nodes that show another node's features"
    )
    drop_edges: float = Field(0.0, ge=0, lt=1, description="share of edges the encoder misses")
    mask_edges: bool = Field(False, description="hide features of edges at hidden nodes too")
    gamma: float = Field(1.0, ge=1, description="exponent of the scaled cosine error")
    decoder: Literal["layer", "mlp", "linear"] = Field(
        "layer", description="one layer of the encoder's kind, or a map of each node alone"
    )


class GraphMAE(Pretext):
    """Masked nodes → encoder → re-mask → decoder → scaled cosine error on the masked nodes."""

    settings_type = GraphMAESettings
    settings: GraphMAESettings

    def __init__(self, settings: GraphMAESettings, encoder: Encoder) -> None:
        """Raises RecipeError if the encoder is none of this plugin."""
        super().__init__(settings, encoder)
        body, width = graph_encoder(encoder).body, graph_encoder(encoder).body.settings.width
        self.token = nn.Parameter(torch.zeros(1, body.features))
        self.to_decoder = nn.Linear(width, width, bias=False)
        self.decoder = decoder(settings.decoder, graph_encoder(encoder))

    def example(self, sample: Data, draw: Draw) -> MaskedGraph:
        ratios = self.settings
        return mask(sample, draw, ratios.mask_ratio, ratios.replace_ratio, ratios.drop_edges)

    def collate(self, examples: Sequence[MaskedGraph]) -> MaskedGraphs:
        return join_masked(self.encoder, examples)

    def forward(self, batch: MaskedGraphs) -> Loss:
        codes = self._body.states(self._kept(batch), self._shown(batch))[-1]
        rebuilt = self._decode(codes, batch)
        hidden = batch.graphs.x.index_select(0, batch.masked)
        return Loss(scaled_cosine_error_loss(rebuilt, hidden, gamma=self.settings.gamma))

    @property
    def _body(self) -> Body:
        return graph_encoder(self.encoder).body

    def _shown(self, batch: MaskedGraphs) -> Tensor | SparseRows:
        return shown(batch, self.token, self._body, borrow=self.settings.replace_ratio > 0)

    def _kept(self, batch: MaskedGraphs) -> GraphBatch:
        """The edges that the encoder sees."""
        graphs = batch.graphs
        edges, edge_attr = graphs.edge_index, graphs.edge_attr
        if self.settings.mask_edges and edge_attr is not None:
            at_hidden = among(graphs.x, batch.masked)[edges].any(dim=0)
            edge_attr = edge_attr.masked_fill(at_hidden.unsqueeze(1), 0)
        if self.settings.drop_edges:
            edges = edges[:, batch.kept]
            edge_attr = edge_attr[batch.kept] if edge_attr is not None else None
        return replace(graphs, edge_index=edges, edge_attr=edge_attr)

    def _decode(self, codes: Tensor, batch: MaskedGraphs) -> Tensor:
        """(M, D) → (P, F), the hidden nodes. Where the decoder looks at neighbours, they are
        re-masked: rebuilt from the codes around them, not from their own."""
        if self.settings.decoder != "layer":
            rebuilt: Tensor = self.decoder(self.to_decoder(codes.index_select(0, batch.masked)))
            return rebuilt
        visible = (~among(codes, batch.masked)).nonzero().flatten()
        seen = self.to_decoder(codes.index_select(0, visible))
        remasked = seen.new_zeros(len(codes), seen.shape[1]).index_copy(0, visible, seen)
        nodes = self._body.drop(remasked)
        return self._body.pass_messages(self.decoder, nodes, batch.graphs, at=batch.masked)


def decoder(kind: str, encoder: GraphEncoder) -> nn.Module:
    """(M, D) → (M, F): one layer of the encoder's kind, or a map of each node alone."""
    features, width = encoder.body.features, encoder.body.settings.width
    if kind == "layer":
        return encoder.layer(width, features)
    if kind == "linear":
        return nn.Linear(width, features)
    return nn.Sequential(nn.Linear(width, width), nn.PReLU(), nn.Linear(width, features))
