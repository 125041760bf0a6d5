"""Mean Teacher (Tarvainen and Valpola 2017): few labels, and agreement with a slow copy.

    loss = cross-entropy(student, label) + w · |softmax(student) - softmax(teacher)|²

The teacher is what is handed over.
"""

from __future__ import annotations

import copy

import torch
from pydantic import Field
from torch import nn

from unlabeled.contract import Encoder, Loss
from unlabeled.distributed import global_mean

from .labelled import Images, Labelled, LabelledSettings, supervised


class MeanTeacherSettings(LabelledSettings):
    keep: float = Field(0.95, ge=0, le=1, description="share of the teacher that stays, per step")
    weight: float = Field(1.0, ge=0, description="of the agreement")


class MeanTeacher(Labelled):
    settings_type = MeanTeacherSettings
    settings: MeanTeacherSettings

    def __init__(self, settings: MeanTeacherSettings, encoder: Encoder) -> None:
        super().__init__(settings, encoder)
        head = nn.Linear(encoder.outputs[0].width, settings.classes or 1)
        self.student = nn.Sequential(encoder, head)
        self.slow = copy.deepcopy(self.student).requires_grad_(False)

    @property
    def exported(self) -> Encoder:
        return self.slow[0]

    def forward(self, batch: Images) -> Loss:
        logits = self.student(batch.images)
        with torch.no_grad():
            taught = self.slow(batch.images).softmax(1)
        agree = global_mean((logits.softmax(1) - taught).square())
        known = supervised(logits, batch.known)
        parts = {"labelled": known, "agreement": agree}
        return Loss(known + self.settings.weight * agree, parts)

    @torch.no_grad()
    def after_step(self, step: int, total_steps: int) -> None:
        mine, theirs = list(self.slow.parameters()), list(self.student.parameters())
        torch._foreach_lerp_(mine, theirs, 1 - self.settings.keep)
