"""XSimGCL: one noisy pass, whose final vectors are contrasted with those of one of its layers.

Source: Yu et al., TKDE 2023, arXiv:2209.02544.

    loss = BPR of the noisy E  +  λ · contrast of the noisy E and the noisy E⁽ˡ*⁾

E is the mean of the layers after the first (`encoder.mean: spread`); the noise is SimGCL's. A third
of the work of SimGCL.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import Field
from torch import Tensor

from unlabeled.contract import Encoder, Loss, Objective, Pretext
from unlabeled.errors import RecipeError
from unlabeled.randomness import Draw
from unlabeled_graph.encoders.light_gcn import light_gcn
from unlabeled_graph.interactions import Interactions
from unlabeled_graph.pretexts import bpr
from unlabeled_graph.pretexts.simgcl import add_noise, noise_seed
from unlabeled_graph.pretexts.two_sides import contrast, require_no_teacher


class XSimGCLSettings(bpr.BPRSettings):
    """The paper's λ, ε and l*."""

    weight: float = Field(0.2, ge=0, description="weight λ of the contrast")
    noise: float = Field(0.2, ge=0, description="length ε of the noise of a layer")
    layer: int = Field(1, gt=0, description="layer l* with which the final vectors are contrasted")


@dataclass(frozen=True, slots=True)
class Example:
    """seed: of the noise."""

    triples: bpr.Example
    seed: int


@dataclass(slots=True)
class Noisy:
    triples: bpr.Triples
    seed: int


class XSimGCL(Pretext):
    """Noisy vectors of the whole graph → BPR, and → contrast with one of their layers."""

    settings_type = XSimGCLSettings
    settings: XSimGCLSettings
    uses = ("objective",)

    def __init__(
        self, settings: XSimGCLSettings, encoder: Encoder, *, objective: Objective
    ) -> None:
        """Raises RecipeError if the encoder is no LightGCN with such a layer before its last, or
        the objective needs a teacher."""
        super().__init__(settings, light_gcn(encoder))
        require_no_teacher(objective)
        layers = light_gcn(encoder).settings.layers
        if settings.layer >= layers:
            raise RecipeError(
                f"pretext.layer: expected a layer before the last of the encoder's {layers}, found "
                f"{settings.layer}"
            )
        self.objective = objective

    def example(self, sample: Interactions, draw: Draw) -> Example:
        triples = bpr.draw_triples(sample, self.settings.triples, draw.rng("triples"))
        return Example(triples, noise_seed(draw, 0))

    def collate(self, examples: Sequence[Example]) -> list[Noisy]:
        return [Noisy(bpr.collate_triples(self.encoder, e.triples), e.seed) for e in examples]

    def forward(self, batch: Sequence[Noisy]) -> Loss:
        return bpr.mean_loss([self._terms(each) for each in batch])

    def after_step(self, step: int, total_steps: int) -> None:
        self.objective.after_step(step, total_steps)

    def _terms(self, noisy: Noisy) -> dict[str, Tensor]:
        encoder, triples = light_gcn(self.encoder), noisy.triples
        states = encoder.states(triples.graph, add_noise(self.settings.noise, noisy.seed))
        last, inner = encoder.joined(states), states[self.settings.layer]
        return {
            **bpr.bpr_terms(last, encoder.table, triples, self.settings.l2),
            **contrast(self.objective, last, inner, triples, self.settings.weight),
        }
