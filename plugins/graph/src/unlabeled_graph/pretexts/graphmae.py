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
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn
from torch_geometric.data import Data

from unlabeled.contract import Encoder, Loss, Pretext
from unlabeled.distributed import gather_rows
from unlabeled.errors import RecipeError
from unlabeled.objectives.scaled_cosine_error import scaled_cosine_error_loss
from unlabeled.randomness import Draw
from unlabeled.settings import Settings
from unlabeled_graph.augmentations.drop_edges import kept_edges
from unlabeled_graph.encoders.body import Body, GraphEncoder
from unlabeled_graph.graphs import GraphBatch
from unlabeled_graph.sparse_rows import SparseRows, split, worth_it


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


@dataclass(slots=True)
class Example:
    """One graph and its plan. masked: (P,) node numbers; replaced: (R,) some of them;
    donors: (R,) in [0, 1), where in the joint batch the shown features come from; kept: (E,)."""

    graph: Data
    masked: np.ndarray
    replaced: np.ndarray
    donors: np.ndarray
    kept: np.ndarray


@dataclass(slots=True)
class MaskedGraphs:
    """A batch of examples; node numbers are those of the batch."""

    graphs: GraphBatch
    masked: Tensor
    replaced: Tensor
    donors: Tensor
    kept: Tensor


class GraphMAE(Pretext):
    """Masked nodes → encoder → re-mask → decoder → scaled cosine error on the masked nodes."""

    settings_type = GraphMAESettings
    settings: GraphMAESettings

    def __init__(self, settings: GraphMAESettings, encoder: Encoder) -> None:
        """Raises RecipeError if the encoder is no graph encoder with an output `nodes`."""
        super().__init__(settings, encoder)
        if not isinstance(encoder, GraphEncoder):
            raise RecipeError("encoder: GraphMAE needs an encoder of unlabeled-graph")
        body, width = encoder.body, encoder.body.settings.width
        self.token = nn.Parameter(torch.zeros(1, body.features))
        self.to_decoder = nn.Linear(width, width, bias=False)
        self.decoder = _decoder(settings.decoder, encoder)

    def example(self, sample: Data, draw: Draw) -> Example:
        rng = draw.rng("mask")
        count = max(1, int(self.settings.mask_ratio * len(sample.x)))
        masked = rng.permutation(len(sample.x))[:count]
        shown = int(self.settings.replace_ratio * count + rng.random())
        return Example(
            graph=sample,
            masked=masked,
            replaced=masked[:shown],
            donors=rng.random(shown),
            kept=kept_edges(sample.edge_index, self.settings.drop_edges, draw.rng("edges")),
        )

    def collate(self, examples: Sequence[Example]) -> MaskedGraphs:
        graphs = self.encoder.collate([example.graph for example in examples])
        sizes = np.array([len(example.graph.x) for example in examples])
        first = np.cumsum(sizes) - sizes
        masked = [e.masked + start for e, start in zip(examples, first, strict=True)]
        replaced = [e.replaced + start for e, start in zip(examples, first, strict=True)]
        return MaskedGraphs(
            graphs=graphs,
            masked=torch.from_numpy(np.concatenate(masked)),
            replaced=torch.from_numpy(np.concatenate(replaced)),
            donors=torch.from_numpy(np.concatenate([e.donors for e in examples])),
            kept=torch.from_numpy(np.concatenate([e.kept for e in examples])),
        )

    def forward(self, batch: MaskedGraphs) -> Loss:
        codes = self._body.states(self._kept(batch), self._shown(batch))[-1]
        rebuilt = self._decode(codes, batch)
        hidden = batch.graphs.x.index_select(0, batch.masked)
        return Loss(scaled_cosine_error_loss(rebuilt, hidden, gamma=self.settings.gamma))

    @property
    def _body(self) -> Body:
        assert isinstance(self.encoder, GraphEncoder)
        return self.encoder.body

    def _shown(self, batch: MaskedGraphs) -> Tensor | SparseRows:
        """What the nodes show, (M, F): tokens, borrowed features, and their own."""
        x, tokens = batch.graphs.x, _among(batch.graphs.x, batch.masked)
        tokens = tokens.index_fill(0, batch.replaced, False)
        everywhere = gather_rows(x) if self.settings.replace_ratio else x
        borrowed = everywhere.index_select(0, (batch.donors * len(everywhere)).long())
        if self._body.takes_sparse and worth_it(x):
            at = tokens.nonzero().flatten()
            filled = torch.cat([self.token.expand(len(at), -1), borrowed])
            return split(x, filled, torch.cat([at, batch.replaced]))
        shown = torch.where(tokens.unsqueeze(1), self.token.to(x.dtype), x)
        return shown.index_copy(0, batch.replaced, borrowed)

    def _kept(self, batch: MaskedGraphs) -> GraphBatch:
        """The edges that the encoder sees."""
        graphs = batch.graphs
        edges, edge_attr = graphs.edge_index, graphs.edge_attr
        if self.settings.mask_edges and edge_attr is not None:
            at_hidden = _among(graphs.x, batch.masked)[edges].any(dim=0)
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
        visible = (~_among(codes, batch.masked)).nonzero().flatten()
        seen = self.to_decoder(codes.index_select(0, visible))
        remasked = seen.new_zeros(len(codes), seen.shape[1]).index_copy(0, visible, seen)
        nodes = self._body.drop(remasked)
        return self._body.pass_messages(self.decoder, nodes, batch.graphs, at=batch.masked)


def _among(x: Tensor, places: Tensor) -> Tensor:
    """(M,) bool, True at the row numbers `places` of x."""
    return torch.zeros(len(x), dtype=torch.bool, device=x.device).index_fill(0, places, True)


def _decoder(kind: str, encoder: GraphEncoder) -> nn.Module:
    features, width = encoder.body.features, encoder.body.settings.width
    if kind == "layer":
        return encoder.layer(width, features)
    if kind == "linear":
        return nn.Linear(width, features)
    return nn.Sequential(nn.Linear(width, width), nn.PReLU(), nn.Linear(width, features))
