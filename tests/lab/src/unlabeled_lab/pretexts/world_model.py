"""A world model without a decoder (MuDreamer, Burchi and Timofte 2024): the next latents, of a
slow copy, and the rewards, several imagined steps ahead."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from pydantic import Field
from torch import nn

from unlabeled.contract import Encoder, Loss, Pretext
from unlabeled.distributed import global_mean
from unlabeled.randomness import Draw
from unlabeled.settings import Settings
from unlabeled.teachers import Teacher, TeacherSettings
from unlabeled_lab.encoders.world import Steps


class WorldModelSettings(Settings):
    horizon: int = Field(4, ge=1, description="steps imagined")


class WorldModel(Pretext):
    settings_type = WorldModelSettings
    settings: WorldModelSettings

    def __init__(self, settings: WorldModelSettings, encoder: Encoder) -> None:
        super().__init__(settings, encoder)
        width = encoder.outputs[0].width
        self.teacher = Teacher(TeacherSettings(momentum=0.9), encoder, nn.Identity())
        self.move = nn.Sequential(nn.Linear(width + 1, 32), nn.ELU(), nn.Linear(32, width))
        self.pay = nn.Sequential(nn.Linear(width, 32), nn.ELU(), nn.Linear(32, 1))

    def example(self, sample: dict, draw: Draw) -> dict:
        steps = sample["steps"]
        start = int(draw.rng("start").integers(max(len(steps) - self.settings.horizon, 1)))
        return {"steps": steps[start : start + self.settings.horizon + 1]}

    def collate(self, examples: Sequence[dict]) -> Steps:
        return self.encoder.collate(examples)

    def forward(self, batch: Steps) -> Loss:
        latent = self.encoder.look(batch.values[:, 0, :2])
        with torch.no_grad():
            seen = self.teacher.encoder.look(batch.values[..., :2])
        moves, pays = [], []
        for step in range(batch.values.shape[1] - 1):
            pays.append((self.pay(latent)[:, 0] - batch.values[:, step, 3]).square())
            latent = latent + self.move(torch.cat([latent, batch.values[:, step, 2:3]], 1))
            moves.append((latent - seen[:, step + 1]).square().mean(1))
        valid = batch.valid[:, 1:].to(latent.dtype)
        parts = {"move": torch.stack(moves, 1), "pay": torch.stack(pays, 1)}
        means = {name: global_mean(values, valid) for name, values in parts.items()}
        return Loss(means["move"] + means["pay"], means)

    def after_step(self, step: int, total_steps: int) -> None:
        self.teacher.update(step, total_steps)
