"""Pretexts of which each breaks one clause."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import nn
from torch.utils.data import get_worker_info
from unlabeled_tides.next_level import NextLevel
from unlabeled_tides.recurrent import Levels

from unlabeled.contract import Loss
from unlabeled.distributed import global_mean, rank
from unlabeled.errors import ShapeError
from unlabeled.pretexts.joint_embedding import JointEmbedding
from unlabeled.randomness import Draw


class GlobalStart(NextLevel):
    """P1: draws from the global generator."""

    def example(self, sample, draw):
        super().example(sample, draw)
        return sample[int(torch.randint(len(sample) // 2, ())) :].copy()


class EverTheSame(NextLevel):
    """P1: draws nothing."""

    def example(self, sample, draw):
        return np.linspace(0, 1, len(sample), dtype=np.float32)[:20]


class Overwriting(NextLevel):
    """P2: changes the sample that it is given."""

    def example(self, sample, draw):
        example = super().example(sample, draw)
        sample[-1] = 0.0
        return example


class Idle(NextLevel):
    """P3: owns a layer that learns nothing."""

    def __init__(self, settings, encoder):
        super().__init__(settings, encoder)
        self.idle = nn.Linear(2, 2)


class Infinite(NextLevel):
    """P4: not finite in half precision."""

    def forward(self, batch):
        loss = super().forward(batch)
        if torch.is_autocast_enabled("cpu"):
            return Loss(loss.total * float("inf"))
        return loss


class Boundless(NextLevel):
    """P4: claims a smallest batch that it does not insist on."""

    smallest_batch = 2


class FarRow(NextLevel):
    """P4: holds the number of a row as a float, which mixed precision rounds past the end."""

    def collate(self, examples):
        return super().collate(examples), torch.tensor([299.0])

    def forward(self, batch):
        levels, row = batch
        return Loss(super().forward(levels).total * torch.ones(300)[row.long()].mean())


def first_twice(batch: Levels) -> Levels:
    """The first sample of the joint batch weighs twice."""
    weight = batch.valid.double()
    if rank() == 0:
        weight[0] *= 2
    return Levels(batch.values, weight)


class ByPlace(NextLevel):
    """P5: the first sample of the batch counts twice."""

    def forward(self, batch):
        return super().forward(first_twice(batch))


class PullingByPlace(NextLevel):
    """P5: the loss knows no order, but its gradient does."""

    def forward(self, batch):
        pull = super().forward(first_twice(batch)).total
        return Loss(super().forward(batch).total.detach() + pull - pull.detach())


class Groupless(JointEmbedding):
    """P6: drops the group of a draw, so that a patient's scans repel each other."""

    def example(self, sample, draw):
        return super().example(sample, replace(draw, group=""))


class ByWorker(NextLevel):
    """D1: a data worker draws by its own seed."""

    def example(self, sample, draw):
        worker = get_worker_info()
        return super().example(sample, Draw(worker.seed, 0, "", 0, "") if worker else draw)


class LocalMean(NextLevel):
    """D2: the mean over this process's samples."""

    def forward(self, batch):
        states = self.encoder.encode(batch, "hours").values[:, :-1]
        error = (self.predictor(states)[..., 0] - batch.values[:, 1:]).square()
        weight = batch.valid[:, 1:].to(error.dtype)
        return Loss((error * weight).sum() / weight.sum())


class Shaken(NextLevel):
    """D3: noise that every process draws for itself."""

    def forward(self, batch):
        return Loss(super().forward(batch).total * (1 + np.random.default_rng().random()))


class Shrinking(NextLevel):
    """L1: learns to say nothing."""

    def forward(self, batch):
        states = self.encoder.encode(batch, "hours")
        weight = batch.valid[..., None].to(states.values.dtype)
        return Loss(
            global_mean(
                self.predictor(states.values).square()
                + states.values.square().mean(-1, keepdim=True),
                weight,
            )
        )


class Smoothing(NextLevel):
    """L2: a restoration that is worse than a mean over three hours."""

    kind = "restoration"


class Counting(NextLevel):
    """C4: keeps a counter outside its state."""

    def __init__(self, settings, encoder):
        super().__init__(settings, encoder)
        self.steps = 0

    def forward(self, batch):
        return Loss(super().forward(batch).total * (1 + self.steps))

    def after_step(self, step, total_steps):
        self.steps += 1


class Undone(NextLevel):
    """C3: what it does after the last step leaves no number in the encoder."""

    def after_step(self, step, total_steps):
        if step == total_steps - 1:
            next(self.encoder.parameters()).data.fill_(float("nan"))


class Refusing(NextLevel):
    """C3: cannot take a training step, though single batches work."""

    def after_step(self, step, total_steps):
        raise ShapeError("cannot go on")
