"""Self-label augmentation (Lee et al. 2020): the class and the rotation are one joint label."""

import torch
from torch import nn

from unlabeled.contract import Encoder, Loss

from .labelled import Images, Labelled, LabelledSettings, supervised


class JointLabels(Labelled):
    settings_type = LabelledSettings

    def __init__(self, settings: LabelledSettings, encoder: Encoder) -> None:
        super().__init__(settings, encoder)
        self.head = nn.Linear(encoder.outputs[0].width, 4 * (settings.classes or 1))

    def forward(self, batch: Images) -> Loss:
        terms = []
        for turns in range(4):
            logits = self.head(self.encoder(torch.rot90(batch.images, turns, (2, 3))))
            joint = torch.where(batch.known < 0, -1, 4 * batch.known + turns)
            terms.append(supervised(logits, joint))
        return Loss(torch.stack(terms).mean())
