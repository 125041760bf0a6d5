"""Fine-tuning for segmentation: the encoder trained together with a linear head on its maps."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import torch
from pydantic import Field
from torch import nn

from unlabeled.contract import Encoder
from unlabeled.randomness import keyed_rng
from unlabeled.settings import Settings
from unlabeled_medical.assessments.dense_probe import Labelled, Predict, overlap_loss
from unlabeled_medical.assessments.voxels import features_of, of_rank
from unlabeled_medical.encoders.maps import mappable
from unlabeled_medical.volume import Volume


class FineTuning(Settings):
    """Encoder and head trained together, by cross-entropy plus soft Dice, one volume a step."""

    steps: int = Field(100, ge=1, description="optimiser steps")
    lr: float = Field(1e-3, gt=0, description="peak learning rate of AdamW; linear to 0")

    def fit(self, encoder: Encoder, labelled: Sequence[Labelled], classes: int) -> Predict:
        """encoder: stays unchanged; a copy is trained. Draws are the same for every encoder."""
        tuned = copy.deepcopy(encoder).eval()  # batch-norm statistics of few volumes mislead
        maps = mappable(of_rank(tuned, len(labelled[0].volume.size)))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            head = nn.Linear(sum(maps.map_widths), classes)
        weights = [*tuned.parameters(), *head.parameters()]
        optimiser = torch.optim.AdamW(weights, lr=self.lr)
        rng = keyed_rng("fine-tuning", len(labelled))
        for step in range(self.steps):
            optimiser.param_groups[0]["lr"] = self.lr * (1 - step / self.steps)
            drawn = labelled[int(rng.integers(len(labelled)))]
            logits = features_of(tuned, drawn.volume).mapped(head.weight, head.bias)
            target = torch.from_numpy(drawn.mask).long().flatten()
            loss = overlap_loss(logits.flatten(1).T, target, classes)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(weights, 1.0)
            optimiser.step()

        def predict(volume: Volume) -> np.ndarray:
            features = features_of(tuned, volume)
            best: np.ndarray = features.mapped(head.weight, head.bias).argmax(dim=0).numpy()
            return best

        return torch.no_grad()(predict)
