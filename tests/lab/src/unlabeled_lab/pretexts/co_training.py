"""Co-training (Blum and Mitchell 1998; Xia et al. 2020): each network sees its own view of an
image, and learns from the labels, and from the other where there is none."""

from __future__ import annotations

import copy

import torch
from pydantic import Field
from torch import nn

from unlabeled.contract import Encoder, Loss
from unlabeled.distributed import global_mean

from .labelled import Images, Labelled, LabelledSettings, supervised


class CoTrainingSettings(LabelledSettings):
    weight: float = Field(0.3, ge=0, description="of what the other network says")


class CoTraining(Labelled):
    settings_type = CoTrainingSettings
    settings: CoTrainingSettings

    def __init__(self, settings: CoTrainingSettings, encoder: Encoder) -> None:
        super().__init__(settings, encoder)
        self.other = copy.deepcopy(encoder)
        for module in self.other.modules():  # weights of its own, the same statistics
            if isinstance(module, nn.Linear | nn.Conv2d):
                module.reset_parameters()
        width, classes = encoder.outputs[0].width, settings.classes or 1
        self.heads = nn.ModuleList(nn.Linear(width, classes) for _ in range(2))

    def forward(self, batch: Images) -> Loss:
        views = batch.images, torch.rot90(batch.images, 1, (2, 3))
        networks = self.encoder, self.other
        logits = [h(n(v)) for h, n, v in zip(self.heads, networks, views, strict=True)]
        known = torch.stack([supervised(each, batch.known) for each in logits]).sum()
        free = (batch.known < 0).to(logits[0].dtype)
        said = [each.detach().softmax(1) for each in reversed(logits)]
        taught = torch.stack(
            [
                global_mean(-(p * each.log_softmax(1)).sum(1), free)
                for p, each in zip(said, logits, strict=True)
            ]
        ).sum()
        return Loss(known + self.settings.weight * taught, {"labelled": known, "taught": taught})
