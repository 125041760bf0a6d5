"""Samples that lack data take no part in a loss: which rows have some, and how many do not.

A sample counts if it has data in everything that is compared (views, sensors), so that the rows of
all of them stay aligned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from unlabeled.contract import Batch, Encoder, Encoding, Loss, Nodes
from unlabeled.distributed import all_reduce_sum

ABSENT = "absent"
"""The name of the part of a loss that counts samples of the joint batch without data."""


@dataclass(frozen=True, slots=True)
class Presence:
    """rows: (N,) bool, which samples of this process take part, None for all; count: () of the
    joint batch that do, None where all do."""

    rows: Tensor | None = None
    count: int | None = None

    @classmethod
    def of(cls, encoder: Encoder, views: Sequence[Batch]) -> Presence:
        """Of the encoder's default output, in every view."""
        name = encoder.outputs[0].name
        return cls.of_rows(in_all([encoder.present(view, name) for view in views]))

    @classmethod
    def of_rows(cls, rows: Tensor | None) -> Presence:
        """rows: (N,) bool, None for all."""
        return cls() if rows is None else cls(rows, int(all_reduce_sum(rows.sum())))

    @classmethod
    def in_any(cls, each: Sequence[Tensor | None]) -> Presence:
        """Of samples with data in one of several things; each: (N,) bool or None for all."""
        known = [rows for rows in each if rows is not None]
        if len(known) < len(each):
            return cls()
        return cls.of_rows(torch.stack(known).any(dim=0))

    def enough(self, smallest: int) -> bool:
        """Whether the joint batch has so many samples with data; all processes decide alike.

        A batch that is too small even with those that lack data is left to the objective, which
        refuses it by name.
        """
        if self.count is None or self.rows is None:
            return True
        joint = int(all_reduce_sum(torch.tensor(len(self.rows), device=self.rows.device)))
        return self.count >= smallest or joint < smallest

    def take(self, encoding: Encoding) -> Tensor:
        """The vectors that count: one per sample (N, D), or per node (M, D)."""
        if isinstance(encoding, Tensor):
            return self.pick(encoding)
        if not isinstance(encoding, Nodes):
            raise TypeError("expected one vector per sample or node")
        rows = None if self.rows is None else self.rows[encoding.owner]
        return encoding.values if rows is None else encoding.values[rows]

    def pick(self, x: Tensor) -> Tensor:
        """The rows of x, (N, ...), that count."""
        return x if self.rows is None else x[self.rows]

    def noted(self, loss: Loss) -> Loss:
        """The loss, with the number of samples of the joint batch that take no part."""
        if self.rows is None:
            return loss
        absent = all_reduce_sum((~self.rows).sum().to(loss.total.dtype)).detach()
        return replace(loss, parts={**loss.parts, ABSENT: absent})


def in_all(each: Sequence[Tensor | None]) -> Tensor | None:
    """Which samples have data in all of several things, (N,) bool; None: all of them.

    each: what `Encoder.present` says, (N,) bool or None for all.
    """
    known = [rows for rows in each if rows is not None]
    return torch.stack(known).all(dim=0) if known else None


def where_present(encoder: Encoder, batch: Batch, counts: Tensor) -> Tensor:
    """counts, (N, ...) bool, without samples that lack data for the encoder's default output."""
    rows = encoder.present(batch, encoder.outputs[0].name)
    return counts if rows is None else counts & rows.view(-1, *[1] * (counts.ndim - 1))


def no_loss(rows: Sequence[Tensor], module: nn.Module) -> Tensor:
    """(): 0, with a gradient of 0 for all that made `rows` (N, ...) and for `module`'s parameters.

    Where too few samples have data: several processes need gradients for the same parameters.
    """
    total = sum(0.0 * p.sum() for p in module.parameters() if p.requires_grad)
    # Not 0 times the rows: absent ones may hold anything, and 0 times infinity is NaN.
    return sum((0.0 * each[:0].sum() for each in rows), total)  # type: ignore[return-value]
