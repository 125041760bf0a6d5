"""SGL: users and items in two graphs that each lack some interactions.

Source: Wu et al., SIGIR 2021, arXiv:2010.10783, with its edge dropout.

    loss = BPR  +  λ · contrast of E in two graphs, each without a share ρ of the interactions

Degrees are those of what is left, as in the authors' code. The contrast is over the users and items
of the step, not over all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from unlabeled.contract import Encoder, Loss, Objective, Pretext
from unlabeled.randomness import Draw
from unlabeled_graph.bipartite import Bipartite
from unlabeled_graph.encoders.light_gcn import light_gcn
from unlabeled_graph.interactions import Interactions
from unlabeled_graph.pretexts import bpr
from unlabeled_graph.pretexts.two_sides import contrast, require_no_teacher


class SGLSettings(bpr.BPRSettings):
    """The paper's λ and ρ."""

    weight: float = Field(0.1, ge=0, description="weight λ of the contrast")
    drop: float = Field(0.1, gt=0, lt=1, description="share ρ of the interactions dropped")


@dataclass(frozen=True, slots=True)
class Example:
    """dropped: (2, E) bool, by view."""

    triples: bpr.Example
    dropped: np.ndarray


@dataclass(slots=True)
class Views:
    triples: bpr.Triples
    one: Bipartite
    other: Bipartite


class SGL(Pretext):
    """Vectors of the whole graph → BPR; those of two thinned graphs → contrast."""

    settings_type = SGLSettings
    settings: SGLSettings
    uses = ("objective",)

    def __init__(self, settings: SGLSettings, encoder: Encoder, *, objective: Objective) -> None:
        """Raises RecipeError if the encoder is no LightGCN or the objective needs a teacher."""
        super().__init__(settings, light_gcn(encoder))
        require_no_teacher(objective)
        self.objective = objective

    def example(self, sample: Interactions, draw: Draw) -> Example:
        triples = bpr.draw_triples(sample, self.settings.triples, draw.rng("triples"))
        return Example(triples, draw.rng("drop").random((2, len(sample))) < self.settings.drop)

    def collate(self, examples: Sequence[Example]) -> list[Views]:
        found = []
        for example in examples:
            triples = bpr.collate_triples(self.encoder, example.triples)
            one, other = (triples.graph.without(torch.from_numpy(d)) for d in example.dropped)
            found.append(Views(triples, one, other))
        return found

    def forward(self, batch: Sequence[Views]) -> Loss:
        return bpr.mean_loss([self._terms(each) for each in batch])

    def after_step(self, step: int, total_steps: int) -> None:
        self.objective.after_step(step, total_steps)

    def _terms(self, views: Views) -> dict[str, Tensor]:
        encoder, triples = light_gcn(self.encoder), views.triples
        graphs = (triples.graph, views.one, views.other)
        whole, one, other = (encoder.joined(encoder.states(graph)) for graph in graphs)
        return {
            **bpr.bpr_terms(whole, encoder.table, triples, self.settings.l2),
            **contrast(self.objective, one, other, triples, self.settings.weight),
        }
