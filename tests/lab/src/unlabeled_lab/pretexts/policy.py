"""A policy proposes labels; it is rewarded where they made the loss on true labels fall (GDP,
Zhu et al. 2020). Its weights take steps of their own, after those of the network."""

from __future__ import annotations

import copy

import torch
from pydantic import Field
from torch import Tensor, nn

from unlabeled.contract import Encoder, Loss
from unlabeled.inner_adam import InnerAdam

from .labelled import Images, Labelled, LabelledSettings, supervised


class PolicySettings(LabelledSettings):
    rate: float = Field(0.01, gt=0, description="learning rate of the policy")


class Policy(Labelled):
    settings_type = PolicySettings
    settings: PolicySettings

    def __init__(self, settings: PolicySettings, encoder: Encoder) -> None:
        super().__init__(settings, encoder)
        classes = settings.classes or 1
        self.head = nn.Linear(encoder.outputs[0].width, classes)
        policy = nn.Sequential(copy.deepcopy(encoder), nn.Linear(encoder.outputs[0].width, classes))
        self.policy = InnerAdam(policy, lr=settings.rate)

    def forward(self, batch: Images) -> Loss:
        proposed = self._propose(batch)
        logits = self.head(self.encoder(batch.images))
        known = supervised(logits, batch.known)
        taught = supervised(logits, proposed)
        if self.training:  # `after_step` is given no batch
            self._step = batch, proposed, known.detach()
        return Loss(known + taught, {"labelled": known, "proposed": taught})

    @torch.no_grad()
    def _propose(self, batch: Images) -> Tensor:
        """(N,): a class where there is no label, drawn from the policy; else -1."""
        upto = self.policy(batch.images).softmax(1).cumsum(1)
        drawn = (upto < batch.chance[:, None].to(upto.dtype)).sum(1).clamp(max=upto.shape[1] - 1)
        return torch.where(batch.known < 0, drawn, -1)

    def after_step(self, step: int, total_steps: int) -> None:
        batch, proposed, before = self._step
        with torch.no_grad():
            after = supervised(self.head(self.encoder(batch.images)), batch.known)
        with torch.enable_grad():
            loss = (before - after) * supervised(self.policy(batch.images), proposed)
            self.policy.step(loss)
