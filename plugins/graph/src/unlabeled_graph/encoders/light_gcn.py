"""LightGCN: a vector for each user and item, smoothed over who took what.

Source: He et al., SIGIR 2020, arXiv:2002.02126, equations 7 and 8.

    E⁽ˡ⁺¹⁾ = D^-½ A D^-½ E⁽ˡ⁾,   E = mean of E⁽⁰⁾ … E⁽ᴸ⁾,   score of user u for item i = E_u · E_i

E⁽⁰⁾ is all there is to learn. It belongs to the interactions of its training: other ones have other
users, or the same ones in another order, and are refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from unlabeled.contract import Encoder, Encoding, Nodes, Output
from unlabeled.errors import RecipeError, ShapeError
from unlabeled.settings import Settings
from unlabeled_graph.bipartite import Bipartite
from unlabeled_graph.interactions import Interactions

SPREAD = 0.1
"""The deviation of E⁽⁰⁾ before training, as in the authors' code."""


class LightGCNSettings(Settings):
    """The first three come from the reader."""

    users: int | None = Field(None, gt=0, description="U; from the reader")
    items: int | None = Field(None, gt=0, description="I; from the reader")
    interactions: str | None = Field(
        None, description="digest of the interactions of training; from the reader"
    )
    width: int = Field(64, gt=0, description="width D of a vector")
    layers: int = Field(3, ge=0, description="layers L; 0 is matrix factorisation")
    mean: Literal["all", "spread"] = Field(
        "all", description="of which layers: all, or those after the first (if there are any)"
    )


@dataclass(slots=True)
class Bipartites:
    """N graphs of the same users and items."""

    graphs: list[Bipartite]


class LightGCN(Encoder):
    """Interactions → `nodes`, the users, then the items, (N · (U + I), D)."""

    settings_type = LightGCNSettings
    settings: LightGCNSettings

    def __init__(self, settings: LightGCNSettings) -> None:
        """Raises RecipeError while the number of users or items is unknown."""
        super().__init__(settings)
        if settings.users is None or settings.items is None:
            raise RecipeError(
                "encoder.users, encoder.items: expected the numbers of users and items, found "
                "nothing. The reader graph/user_item fills them in."
            )
        self.outputs = (Output("nodes", "nodes", settings.width),)
        self.table = nn.Parameter(torch.empty(settings.users + settings.items, settings.width))
        nn.init.normal_(self.table, std=SPREAD)

    def collate(self, samples: Sequence[Interactions]) -> Bipartites:
        """Raises ShapeError for other interactions than those of training."""
        for sample in samples:
            self.require(sample)
        return Bipartites([Bipartite.of(sample) for sample in samples])

    def require(self, sample: Interactions) -> None:
        """Raises ShapeError unless the vectors are those of this sample's users and items."""
        known = self.settings
        expected, found = (known.users, known.items), (sample.users, sample.items)
        if found != expected:
            raise ShapeError(f"interactions: expected {_sides(*expected)}, found {_sides(*found)}")
        if known.interactions not in (None, sample.digest):
            raise ShapeError(
                f"interactions: {_sides(*found)} as in training, but with other names or other "
                "interactions. A vector belongs to a user or item of the training alone: give the "
                "data that the run was trained on, or pretrain on these."
            )

    def states(
        self, graph: Bipartite, change: Callable[[Tensor], Tensor] | None = None
    ) -> list[Tensor]:
        """E⁽⁰⁾ … E⁽ᴸ⁾, each (N, D) with N = U + I. change: applied to each layer but the first."""
        states: list[Tensor] = [self.table]
        for _ in range(self.settings.layers):
            spread = graph.spread(states[-1])
            states.append(change(spread) if change else spread)
        return states

    def joined(self, states: Sequence[Tensor]) -> Tensor:
        """The vectors E of all layers, (N, D) with N = U + I."""
        first = 1 if self.settings.mean == "spread" and len(states) > 1 else 0
        return torch.stack(list(states[first:])).mean(0)

    def _encode(self, batch: Bipartites, output: str) -> Encoding:  # noqa: ARG002 - there is one
        found = torch.stack([self.joined(self.states(graph)) for graph in batch.graphs])
        number, nodes = (torch.arange(size, device=found.device) for size in found.shape[:2])
        owner = number.repeat_interleave(len(nodes))
        return Nodes(found.flatten(0, 1), owner, nodes.repeat(len(number)))


def light_gcn(encoder: Encoder) -> LightGCN:
    """The encoder as a LightGCN. Raises RecipeError if it is not one."""
    if not isinstance(encoder, LightGCN):
        raise RecipeError("encoder: this pretext needs the encoder graph/light_gcn")
    return encoder


def _sides(users: int | None, items: int | None) -> str:
    return f"{users:,} users and {items:,} items"
