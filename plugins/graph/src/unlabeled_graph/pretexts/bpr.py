"""BPR: an item that a user has ranks above one that the user lacks.

Source: Rendle et al., UAI 2009, arXiv:1205.2618, section 4.1; with LightGCN, He et al. 2020,
arXiv:2002.02126, equation 15.

    loss = mean over triples (u, i, j) of
           softplus(E_u · E_j − E_u · E_i)  +  λ · ½ · (‖e_u‖² + ‖e_i‖² + ‖e_j‖²)

Interactions (u, i) and lacking items j are drawn evenly; E are the encoder's vectors, e those
before its layers. The penalty is a mean over triples, as in the authors' code: over all vectors,
without that mean, it drives them to 0 and the loss stays at log 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from unlabeled.contract import Encoder, Loss, Pretext
from unlabeled.distributed import global_mean
from unlabeled.errors import UnreadableItem
from unlabeled.randomness import Draw
from unlabeled.settings import Settings
from unlabeled_graph.bipartite import Bipartite
from unlabeled_graph.encoders.light_gcn import light_gcn
from unlabeled_graph.interactions import Interactions


class BPRSettings(Settings):
    """Of the triples."""

    triples: int = Field(2048, gt=0, description="triples drawn from a graph per step")
    l2: float = Field(1e-4, ge=0, description="weight λ of the squared lengths before the layers")


@dataclass(frozen=True, slots=True)
class Example:
    """user, item, other: (P,) numbers; the user has `item` and lacks `other`."""

    sample: Interactions
    user: np.ndarray
    item: np.ndarray
    other: np.ndarray


@dataclass(slots=True)
class Triples:
    """The same of one graph, as tensors (P,)."""

    graph: Bipartite
    user: Tensor
    item: Tensor
    other: Tensor


class BPR(Pretext):
    """Vectors of the whole graph → scores of the triples → BPR."""

    settings_type = BPRSettings
    settings: BPRSettings

    def __init__(self, settings: BPRSettings, encoder: Encoder) -> None:
        """Raises RecipeError if the encoder is no LightGCN."""
        super().__init__(settings, light_gcn(encoder))

    def example(self, sample: Interactions, draw: Draw) -> Example:
        return draw_triples(sample, self.settings.triples, draw.rng("triples"))

    def collate(self, examples: Sequence[Example]) -> list[Triples]:
        return [collate_triples(self.encoder, example) for example in examples]

    def forward(self, batch: Sequence[Triples]) -> Loss:
        return mean_loss([self._terms(each) for each in batch])

    def _terms(self, triples: Triples) -> dict[str, Tensor]:
        encoder = light_gcn(self.encoder)
        vectors = encoder.joined(encoder.states(triples.graph))
        return bpr_terms(vectors, encoder.table, triples, self.settings.l2)


def draw_triples(sample: Interactions, count: int, rng: np.random.Generator) -> Example:
    """`count` triples of a graph. Raises UnreadableItem if every user has every item."""
    if not len(sample.rankable):
        raise UnreadableItem("interactions", "a user who lacks some item", "none")
    place = sample.rankable[rng.integers(len(sample.rankable), size=count)]
    user = sample.user[place]
    return Example(sample, user, sample.item[place], sample.others(user, rng))


def collate_triples(encoder: Encoder, example: Example) -> Triples:
    """The triples with the graph in its layout, which is that of the encoder. Raises ShapeError."""
    [graph] = light_gcn(encoder).collate([example.sample]).graphs
    return Triples(graph, *map(torch.from_numpy, (example.user, example.item, example.other)))


def bpr_terms(vectors: Tensor, table: Tensor, triples: Triples, l2: float) -> dict[str, Tensor]:
    """The two terms of the loss. vectors, table: (N, D), N = U + I, after and before the layers."""
    first = triples.graph.users
    nodes = (triples.user, triples.item + first, triples.other + first)
    user, item, other = (vectors.index_select(0, each) for each in nodes)
    penalty = sum(table.index_select(0, each).square().sum(1) for each in nodes) / 2
    return {
        "bpr": F.softplus((user * (other - item)).sum(1)).mean(),
        "l2": l2 * torch.as_tensor(penalty).mean(),
    }


def mean_loss(terms: Sequence[dict[str, Tensor]]) -> Loss:
    """The mean over graphs of each term, and their sum."""
    parts = {name: global_mean(torch.stack([each[name] for each in terms])) for name in terms[0]}
    return Loss(torch.stack(list(parts.values())).sum(), parts)
