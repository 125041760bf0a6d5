"""SimGCL: users and items under two noises, in place of two graphs.

Source: Yu et al., SIGIR 2022, arXiv:2112.08679.

    after each layer  x ← x + ε · (u / ‖u‖) ∘ sign(x),   u uniform in [0, 1]ᴰ
    loss = BPR  +  λ · contrast of E under two draws of the noise

E is the mean of the layers after the first (`encoder.mean: spread`). BPR sees no noise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from unlabeled.contract import Encoder, Loss, Objective, Pretext
from unlabeled.randomness import Draw
from unlabeled_graph.encoders.light_gcn import light_gcn
from unlabeled_graph.interactions import Interactions
from unlabeled_graph.pretexts import bpr
from unlabeled_graph.pretexts.two_sides import contrast, require_no_teacher


class SimGCLSettings(bpr.BPRSettings):
    """The paper's λ and ε."""

    weight: float = Field(0.5, ge=0, description="weight λ of the contrast")
    noise: float = Field(0.1, ge=0, description="length ε of the noise of a layer")


@dataclass(frozen=True, slots=True)
class Example:
    """seeds: of the noises."""

    triples: bpr.Example
    seeds: tuple[int, int]


@dataclass(slots=True)
class Noisy:
    triples: bpr.Triples
    seeds: tuple[int, int]


class SimGCL(Pretext):
    """Vectors of the whole graph → BPR; the same with noise, twice → contrast."""

    settings_type = SimGCLSettings
    settings: SimGCLSettings
    uses = ("objective",)

    def __init__(self, settings: SimGCLSettings, encoder: Encoder, *, objective: Objective) -> None:
        """Raises RecipeError if the encoder is no LightGCN or the objective needs a teacher."""
        super().__init__(settings, light_gcn(encoder))
        require_no_teacher(objective)
        self.objective = objective

    def example(self, sample: Interactions, draw: Draw) -> Example:
        triples = bpr.draw_triples(sample, self.settings.triples, draw.rng("triples"))
        return Example(triples, (noise_seed(draw, 0), noise_seed(draw, 1)))

    def collate(self, examples: Sequence[Example]) -> list[Noisy]:
        return [Noisy(bpr.collate_triples(self.encoder, e.triples), e.seeds) for e in examples]

    def forward(self, batch: Sequence[Noisy]) -> Loss:
        return bpr.mean_loss([self._terms(each) for each in batch])

    def after_step(self, step: int, total_steps: int) -> None:
        self.objective.after_step(step, total_steps)

    def _terms(self, noisy: Noisy) -> dict[str, Tensor]:
        encoder, triples = light_gcn(self.encoder), noisy.triples
        whole = encoder.joined(encoder.states(triples.graph))
        one, other = (
            encoder.joined(encoder.states(triples.graph, add_noise(self.settings.noise, seed)))
            for seed in noisy.seeds
        )
        return {
            **bpr.bpr_terms(whole, encoder.table, triples, self.settings.l2),
            **contrast(self.objective, one, other, triples, self.settings.weight),
        }


def noise_seed(draw: Draw, view: int) -> int:
    """The seed of a view's noise: drawn with the example, so that it depends on no neighbour."""
    return int(draw.rng(f"noise {view}").integers(2**62))


def add_noise(length: float, seed: int) -> Callable[[Tensor], Tensor]:
    """Adds noise of this length to each row of (M, D), in the direction of its signs."""
    generators: dict[torch.device, torch.Generator] = {}

    def change(x: Tensor) -> Tensor:
        generator = generators.setdefault(x.device, torch.Generator(x.device).manual_seed(seed))
        drawn = torch.rand(x.shape, generator=generator, dtype=x.dtype, device=x.device)
        return x + length * F.normalize(drawn, dim=1) * x.sign()

    return change
