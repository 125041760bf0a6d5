"""GraphMAE: mask nodes, encode the graph, reconstruct the features of masked nodes.

Source: Hou et al., KDD 2022, arXiv:2205.10803, section 3 and equation 2.

Departs from the authors' code in what is drawn: nodes are hidden graph by graph, so that a
graph's mask depends on nothing but the graph; the number of replaced ones is rounded up or down
at random, so that it is right on average for small graphs too; edges are dropped with both
directions.

`eps: 1e-12` repeats what an accident does in that code: in the first step a node whose neighbours
are all hidden is reconstructed as exactly 0, where the normalisation has a derivative of 1e12, and
Adam holds the decoder's bias for the rest of training where that one gradient drives it, at 6.0
learning rates, for every word of such a node. With a bias that learns, Cora's accuracy falls.

Beyond the paper, and off by default: features of edges at hidden nodes are hidden and
reconstructed too, as Hu et al., ICLR 2020, arXiv:1905.12265, do for bonds; what is reconstructed is
standardised, and holds the mean features of the neighbours beside a node's own, as the tokens of
Liu et al., NeurIPS 2023, arXiv:2310.14753, do.
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
from unlabeled.distributed import batch_standardise
from unlabeled.errors import RecipeError
from unlabeled.objectives.scaled_cosine_error import scaled_cosine_error_loss
from unlabeled.randomness import Draw
from unlabeled.settings import Settings
from unlabeled_graph.encoders.body import Body, GraphEncoder, graph_encoder
from unlabeled_graph.graphs import GraphBatch, neighbour_means
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
    drop_edges: float = Field(0.0, ge=0, lt=1, description="share of edges hidden from the encoder")
    masked_edges: Literal["shown", "hidden", "reconstructed"] = Field(
        "shown", description="how the features of edges at hidden nodes are treated"
    )
    target_hops: int = Field(
        0,
        ge=0,
        description="reconstruct the mean features of the neighbours up to this many steps off",
    )
    standardise: bool = Field(
        False, description="reconstruct columns of mean 0 and deviation 1 over the batch"
    )
    gamma: float = Field(1.0, ge=1, description="exponent of the scaled cosine error")
    decoder: Literal["layer", "mlp", "linear"] = Field(
        "layer", description="one layer of the encoder's kind, or a map of each node alone"
    )
    eps: float | None = Field(
        None, gt=0, description="least length that the error divides by; None: 0 has no gradient"
    )


class GraphMAE(Pretext):
    """Masked nodes → encoder → re-mask → decoder → scaled cosine error on the masked nodes."""

    settings_type = GraphMAESettings
    settings: GraphMAESettings

    def __init__(self, settings: GraphMAESettings, encoder: Encoder) -> None:
        """Raises RecipeError if the encoder is not of this plugin, or does not use edge features
        that are to be reconstructed."""
        super().__init__(settings, encoder)
        body, width = graph_encoder(encoder).body, graph_encoder(encoder).body.settings.width
        self.token = nn.Parameter(torch.zeros(1, body.features))
        self.to_decoder = nn.Linear(width, width, bias=False)
        reconstructed = body.features * (1 + settings.target_hops)
        self.decoder = decoder(settings.decoder, graph_encoder(encoder), reconstructed)
        if settings.masked_edges == "reconstructed":
            if not body.edge_features:
                raise RecipeError(
                    "pretext.masked_edges: expected shown, as the encoder takes no edge features, "
                    "found reconstructed"
                )
            self.edge_decoder = mlp(width, body.edge_features)

    def example(self, sample: Data, draw: Draw) -> MaskedGraph:
        ratios = self.settings
        return mask(sample, draw, ratios.mask_ratio, ratios.replace_ratio, ratios.drop_edges)

    def collate(self, examples: Sequence[MaskedGraph]) -> MaskedGraphs:
        return join_masked(self.encoder, examples)

    def forward(self, batch: MaskedGraphs) -> Loss:
        codes = self._body.states(self._kept(batch), self._shown(batch))[-1]
        nodes = self._error(self._decode(codes, batch), self._target(batch.graphs), batch.masked)
        if self.settings.masked_edges != "reconstructed":
            # Standardised targets are those of a batch, and means of two kinds count differently.
            return Loss(nodes, count=None if self.settings.standardise else len(batch.masked))
        edges = self._edge_error(codes, batch)
        return Loss(nodes + edges, {"nodes": nodes, "edges": edges})

    def _target(self, graphs: GraphBatch) -> Tensor:
        """The targets of every node: its features, then the means over its neighbours."""
        means = [graphs.x]
        for _ in range(self.settings.target_hops):
            means.append(neighbour_means(means[-1], graphs.edge_index))
        return torch.cat(means, dim=1) if self.settings.target_hops else graphs.x

    def _edge_error(self, codes: Tensor, batch: MaskedGraphs) -> Tensor:
        """The loss of edge features at hidden nodes, predicted from the codes of both ends."""
        edges = batch.graphs.edge_index
        hidden = among(codes, batch.masked)[edges].any(dim=0).nonzero().flatten()
        ends = edges.index_select(1, hidden)
        both = codes.index_select(0, ends[0]) + codes.index_select(0, ends[1])
        assert batch.graphs.edge_attr is not None
        return self._error(self.edge_decoder(both), batch.graphs.edge_attr, hidden)

    def _error(self, reconstructed: Tensor, target: Tensor, hidden: Tensor) -> Tensor:
        """reconstructed: (P, F); target: of all rows, hidden or not; hidden: (P,) row numbers."""
        target = batch_standardise(target) if self.settings.standardise else target
        hidden_target = target.index_select(0, hidden)
        gamma, eps = self.settings.gamma, self.settings.eps
        return scaled_cosine_error_loss(reconstructed, hidden_target, gamma=gamma, eps=eps)

    @property
    def _body(self) -> Body:
        return graph_encoder(self.encoder).body

    def _shown(self, batch: MaskedGraphs) -> Tensor | SparseRows:
        return shown(batch, self.token, self._body, borrow=self.settings.replace_ratio > 0)

    def _kept(self, batch: MaskedGraphs) -> GraphBatch:
        """The edges that the encoder sees."""
        graphs = batch.graphs
        edges, edge_attr = graphs.edge_index, graphs.edge_attr
        if self.settings.masked_edges != "shown" and edge_attr is not None:
            at_hidden = among(graphs.x, batch.masked)[edges].any(dim=0)
            edge_attr = edge_attr.masked_fill(at_hidden.unsqueeze(1), 0)
        if self.settings.drop_edges:
            edges = edges[:, batch.kept]
            edge_attr = edge_attr[batch.kept] if edge_attr is not None else None
        return replace(graphs, edge_index=edges, edge_attr=edge_attr)

    def _decode(self, codes: Tensor, batch: MaskedGraphs) -> Tensor:
        """(M, D) → (P, F), the hidden nodes. Where the decoder looks at neighbours, they are
        re-masked: reconstructed from the codes around them, not from their own."""
        if self.settings.decoder != "layer":
            reconstructed: Tensor = self.decoder(
                self.to_decoder(codes.index_select(0, batch.masked))
            )
            return reconstructed
        visible = (~among(codes, batch.masked)).nonzero().flatten()
        seen = self.to_decoder(codes.index_select(0, visible))
        remasked = seen.new_zeros(len(codes), seen.shape[1]).index_copy(0, visible, seen)
        nodes = self._body.drop(remasked)
        return self._body.pass_messages(self.decoder, nodes, batch.graphs, at=batch.masked)


def decoder(kind: str, encoder: GraphEncoder, reconstructed: int) -> nn.Module:
    """(M, D) → (M, reconstructed): one layer of the encoder's kind, or a map of each node alone."""
    width = encoder.body.settings.width
    if kind == "layer":
        return encoder.layer(width, reconstructed)
    return nn.Linear(width, reconstructed) if kind == "linear" else mlp(width, reconstructed)


def mlp(width: int, above: int) -> nn.Module:
    """(…, width) → (…, above)."""
    return nn.Sequential(nn.Linear(width, width), nn.PReLU(), nn.Linear(width, above))
