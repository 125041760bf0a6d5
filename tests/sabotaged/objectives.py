"""Objectives of which each breaks one clause."""

from __future__ import annotations

import torch
from torch import nn

from unlabeled.contract import Loss, Objective
from unlabeled.distributed import global_mean
from unlabeled.errors import ShapeError
from unlabeled.settings import Settings


class DistanceSettings(Settings):
    """There is nothing to set."""


class Distance(Objective):
    """Keeps every clause; those below break one."""

    settings_type = DistanceSettings

    def __init__(self, settings, width):
        super().__init__(settings, width)
        self.projector = nn.Identity()

    def forward(self, student, teacher=None, *, groups=None):
        one, other = student
        if len(one) < self.smallest_batch:
            raise ShapeError("student[0]: expected two samples or more")
        if one.shape[1] != self.width or other.shape != one.shape:
            raise ShapeError(f"student: expected two views (N, {self.width})")
        return Loss(global_mean((one - other).square()))


class Exponential(Distance):
    """O1: overflows in half precision."""

    def forward(self, student, teacher=None, *, groups=None):
        return Loss(super().forward(student).total / (student[0].dtype != torch.bfloat16))


class Lenient(Distance):
    """O1: takes fewer samples than it says."""

    def forward(self, student, teacher=None, *, groups=None):
        if {view.shape[1] for view in student} != {self.width}:
            raise ShapeError(f"student: expected two views (N, {self.width})")
        return Loss(global_mean((student[0] - student[1]).square()))


class FirstCounts(Distance):
    """O2: the first sample counts more."""

    def forward(self, student, teacher=None, *, groups=None):
        loss = super().forward(student).total
        return Loss(loss + global_mean((student[0][:1] - student[1][:1]).square()))


class AnyWidth(Distance):
    """O3: takes what no encoder gave."""

    def forward(self, student, teacher=None, *, groups=None):
        self.width = student[0].shape[1]
        return super().forward(student)


class Padding(Distance):
    """O3: a narrow view is filled up."""

    def forward(self, student, teacher=None, *, groups=None):
        widest = max(view.shape[1] for view in student)
        if widest != self.width:
            raise ShapeError(f"student: expected two views (N, {self.width})")
        return super().forward([nn.functional.pad(v, (0, widest - v.shape[1])) for v in student])
