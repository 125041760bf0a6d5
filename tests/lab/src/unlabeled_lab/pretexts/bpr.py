"""Bayesian personalised ranking (Rendle et al. 2009): what was bought ranks above what was not."""

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
from unlabeled.errors import RecipeError
from unlabeled.randomness import Draw
from unlabeled.settings import Settings
from unlabeled_lab.encoders.light_gcn import LightGCN, Shops


class BPRSettings(Settings):
    pairs: int = Field(64, ge=1, description="purchases drawn per step and shop")


@dataclass
class Triples:
    """triples: (K, 3, P): a user, a good that was bought, one that was not."""

    shops: Shops
    triples: Tensor


class BPR(Pretext):
    settings_type = BPRSettings
    settings: BPRSettings

    def __init__(self, settings: BPRSettings, encoder: Encoder) -> None:
        if not isinstance(encoder, LightGCN):
            raise RecipeError(f"encoder: expected lab/light_gcn, found {type(encoder).__name__}")
        super().__init__(settings, encoder)

    def example(self, sample: dict, draw: Draw) -> tuple[dict, np.ndarray]:
        rng, edges = draw.rng("triples"), sample["edges"]
        goods = self.encoder.settings.goods or 1
        bought = np.zeros((self.encoder.settings.users or 1, goods), bool)
        bought[edges[0], edges[1]] = True
        user, good = edges[:, rng.integers(edges.shape[1], size=self.settings.pairs)]
        other = np.where(bought[user], -1.0, rng.random((len(user), goods))).argmax(1)
        return sample, np.stack([user, good, other])

    def collate(self, examples: Sequence[tuple[dict, np.ndarray]]) -> Triples:
        samples, triples = zip(*examples, strict=True)
        return Triples(self.encoder.collate(samples), torch.as_tensor(np.stack(triples)))

    def forward(self, batch: Triples) -> Loss:
        nodes = self.encoder.smooth(batch.shops)
        user, good, other = batch.triples.unbind(1)
        first = self.encoder.settings.users or 1
        chosen = [_of(nodes, place) for place in (user, good + first, other + first)]
        margin = (chosen[0] * (chosen[1] - chosen[2])).sum(-1)
        return Loss(global_mean(F.softplus(-margin)))


def _of(nodes: Tensor, place: Tensor) -> Tensor:
    """nodes: (K, M, D); place: (K, P) -> (K, P, D)."""
    return nodes.gather(1, place[..., None].expand(-1, -1, nodes.shape[-1]))
