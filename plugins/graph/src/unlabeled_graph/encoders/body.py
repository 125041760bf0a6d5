"""The body that GIN, GCN, GAT and GraphSAGE share: norms, activations, jumping knowledge and
readout.

An encoder of this plugin is a list of PyG layers and this body around them.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch_geometric.data import Data

from unlabeled.contract import Encoder, Nodes, Output
from unlabeled.distributed import RowBatchNorm
from unlabeled.errors import RecipeError, ShapeError
from unlabeled.settings import Settings
from unlabeled_graph.encoders.fast_layer import FastLayer, rows
from unlabeled_graph.graphs import GraphBatch, join
from unlabeled_graph.neighbour_sums import available
from unlabeled_graph.readout import Reduction, readout
from unlabeled_graph.sparse_rows import SparseRows, split, worth_it

Norm = Literal["batch", "layer", "none"]
Activation = Literal["relu", "prelu", "elu"]


class BodySettings(Settings):
    """Settings of every graph encoder."""

    node_features: int | None = Field(None, gt=0, description="columns of x; from the reader")
    width: int = Field(128, gt=0, description="width of every layer")
    depth: int = Field(3, gt=0, description="message-passing layers")
    norm: Norm = Field("batch", description="after every layer")
    activation: Activation = Field("relu", description="after every layer")
    dropout: float = Field(0.0, ge=0, lt=1, description="of every layer's input")
    residual: bool = Field(False, description="add a layer's input where the widths agree")
    jump: Literal["last", "all"] = Field(
        "last", description="layers that the readout sees: the last, or all of them side by side"
    )
    readout: tuple[Reduction, ...] = Field(
        ("mean",), min_length=1, description="from nodes to a graph: sum, mean, max, side by side"
    )
    default: Literal["graph", "nodes"] = Field("graph", description="what forward returns")


class EdgeFeatureSettings(BodySettings):
    """Settings of encoders that use edge features."""

    edge_features: int | None = Field(
        None, ge=0, description="columns of edge_attr; from the reader"
    )


class Body(nn.Module):
    """Layers, each called as `layer(x, edge_index)`, or `layer(x, edge_index, edge_attr)`; a
    `FastLayer` gets the batch.

    After each come norm and activation. Nodes are the states after the last layer; the readout
    may see all layers (jumping knowledge: Xu et al., ICML 2018, arXiv:1806.03536). edge_features:
    K, 0 where the layers take none; stem: a map of x below the first layer, None for none.
    """

    def __init__(
        self,
        settings: BodySettings,
        layers: Iterable[nn.Module],
        *,
        edge_features: int = 0,
        stem: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.settings = settings
        self.features = known_features(settings)
        self.edge_features = edge_features
        self.stem = stem or nn.Identity()
        self.layers = nn.ModuleList(layers)
        self.norms = nn.ModuleList(make_norm(settings.norm, settings.width) for _ in self.layers)
        self.activations = nn.ModuleList(make_activation(settings.activation) for _ in self.layers)
        self.dropout = nn.Dropout(settings.dropout)
        first = self.layers[0]
        sparse = isinstance(first, FastLayer) and first.takes_sparse
        self.takes_sparse = sparse and not settings.residual

    def outputs(self) -> tuple[Output, ...]:
        """`graph` (N, D · layers seen · reductions) and `nodes` (M, D), the default first."""
        seen = self.settings.depth if self.settings.jump == "all" else 1
        both = (
            Output("graph", "global", self.settings.width * seen * len(self.settings.readout)),
            Output("nodes", "nodes", self.settings.width),
        )
        return both if self.settings.default == "graph" else both[::-1]

    def collate(self, samples: Sequence[Data]) -> GraphBatch:
        """Raises ShapeError for a graph that does not fit."""
        return join(samples, node_features=self.features, edge_features=self.edge_features)

    def forward(self, graphs: GraphBatch, output: str) -> Tensor | Nodes:
        states = self.states(graphs)
        if output == "nodes":
            return Nodes(states[-1], graphs.batch, place_in_graph(graphs))
        if output == "graph":
            seen = torch.cat(states, dim=1) if self.settings.jump == "all" else states[-1]
            return readout(seen, graphs.batch, graphs.ptr, self.settings.readout)
        raise ShapeError(f"output: expected graph or nodes, found {output!r}")

    def states(self, graphs: GraphBatch, x: Tensor | SparseRows | None = None) -> list[Tensor]:
        """The nodes after each layer, (M, D) each.

        x: replaces the features of the nodes, in the same shape; SparseRows only where
        `takes_sparse`.
        """
        x = graphs.x if x is None else x
        if self.takes_sparse and isinstance(x, Tensor) and available(x) and worth_it(x):
            x = split(x, x[:0], graphs.batch[:0])
        h, states = self.stem(x), []
        for number in range(len(self.layers)):
            h = self.advance(number, h, graphs)
            states.append(h)
        return states

    def advance(self, number: int, h: Tensor | SparseRows, graphs: GraphBatch) -> Tensor:
        """Layer `number` with what follows it, (M, below) → (M, D)."""
        passed = self.pass_messages(self.layers[number], self.drop(h), graphs)
        change: Tensor = self.activations[number](self.norms[number](passed))
        if self.settings.residual and isinstance(h, Tensor) and change.shape == h.shape:
            return h + change
        return change

    def pass_messages(
        self,
        layer: nn.Module,
        nodes: Tensor | SparseRows,
        graphs: GraphBatch,
        at: Tensor | None = None,
    ) -> Tensor:
        """One layer of the encoder's family on (M, below), over the edges of `graphs`.

        at: (P,) node numbers, whose rows alone are returned.
        """
        if isinstance(layer, FastLayer):
            return layer.over(nodes, graphs, at)
        with_edges = self.edge_features and graphs.edge_attr is not None
        inputs = (nodes, graphs.edge_index, *([graphs.edge_attr] if with_edges else []))
        return rows(layer(*inputs), at)

    def drop(self, nodes: Tensor | SparseRows) -> Tensor | SparseRows:
        """Dropout of a layer's input, (M, D), while training."""
        if isinstance(nodes, SparseRows):
            return nodes.dropout(self.settings.dropout, training=self.training)
        dropped: Tensor = self.dropout(nodes)
        return dropped


def place_in_graph(graphs: GraphBatch) -> Tensor:
    """The number of each node within its own graph, (M,)."""
    place = torch.arange(graphs.batch.shape[0], device=graphs.batch.device)
    return place - graphs.ptr.index_select(0, graphs.batch)


def make_norm(norm: Norm, width: int) -> nn.Module:
    """Over the nodes of a batch, over the columns of a node, or none."""
    if norm == "batch":
        return RowBatchNorm(width)
    return nn.LayerNorm(width) if norm == "layer" else nn.Identity()


def make_activation(activation: Activation) -> nn.Module:
    """PReLU has one slope for all columns."""
    if activation == "prelu":
        return nn.PReLU()
    return nn.ELU() if activation == "elu" else nn.ReLU()


class GraphEncoder(Encoder):
    """An encoder of this plugin: graphs → (N, D), or their nodes → (M, D).

    Its constructor sets `body` and `outputs`.
    """

    settings_type: ClassVar[type[BodySettings]] = BodySettings
    body: Body

    @abstractmethod
    def layer(self, below: int, above: int) -> nn.Module:
        """A new layer of the encoder's kind, (M, below) → (M, above)."""

    def collate(self, samples: Sequence[Data]) -> GraphBatch:
        """Raises ShapeError for a graph that does not fit."""
        return self.body.collate(samples)

    def _encode(self, batch: GraphBatch, output: str) -> Tensor | Nodes:
        encoding: Tensor | Nodes = self.body(batch, output)
        return encoding


def graph_encoder(encoder: Encoder) -> GraphEncoder:
    """The encoder as a graph encoder of this plugin. Raises RecipeError if it is not one."""
    if not isinstance(encoder, GraphEncoder):
        raise RecipeError("encoder: this pretext needs an encoder of unlabeled-graph")
    return encoder


def layer_widths(settings: BodySettings) -> Iterable[tuple[int, int]]:
    """(below, above) of each layer. Raises RecipeError while the width of x is unknown."""
    return pairwise([known_features(settings), *[settings.width] * settings.depth])


def known_features(settings: BodySettings) -> int:
    """The width of x. Raises RecipeError while it is unknown."""
    if settings.node_features is None:
        raise RecipeError(
            "encoder.node_features: expected the number of columns of x, found nothing. "
            "The reader fills it in; set it where there is no reader."
        )
    return settings.node_features
