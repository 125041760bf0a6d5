"""Contrast in both directions at once: every score is a negative of its row and of its column.

The scores come from `negatives`, a few rows at a time, once for the sums and once more for the
gradient, so the N × N numbers are never held as a whole. Scores are to the base 2 (see
`logsumexp`).
"""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.autograd import Function

from unlabeled.derivatives import once_only
from unlabeled.distributed import all_reduce_sum, gather_rows, world_size
from unlabeled.objectives.logsumexp import LN_2, LOG2_E, log2_sum
from unlabeled.objectives.negatives import Groups, alike, by_temperature, chunks, first_row

CHUNK = 2**19
"""Scores that are computed at once: 2 MB in float32."""

LEAST = 64
"""The fewest rows taken at once, because products with fewer are slow."""

HELD = 2**21
"""The most scores that are held rather than computed twice: 8 MB in float32."""

WARM = 1 / 32
"""From this temperature on a score of unit rows lies between -47 and 47 (to the base 2), and sums
and ratios of 2^47 and 2^-47 are ordinary float32 numbers: no maximum is looked for first."""


def contrast_both_ways(
    a: Tensor, b: Tensor, temperature: float | Tensor, groups: Tensor | None = None
) -> Tensor:
    """sum_i (log sum_j exp(s_ij) - s_ii) + sum_j (log sum_i exp(s_ij) - s_jj), joint, ().

    s_ij = a_i · b_j / T; a, b: (N, D), rows of this process, no longer than 1; groups: (N,)
    int64, pairs i ≠ j of one group are left out. i and j run over the joint batch.
    """
    scale = torch.as_tensor(temperature, dtype=a.dtype, device=a.device)
    ids = None if groups is None else (groups, gather_rows(groups))
    result: Tensor = _BothWays.apply(  # type: ignore[no-untyped-call]
        a, gather_rows(b), scale, first_row(a), ids
    )
    return result


class _BothWays(Function):
    @staticmethod
    def forward(
        ctx: Any,
        a: Tensor,
        b: Tensor,
        temperature: Tensor,
        start: int,
        groups: Groups | None,
    ) -> Tensor:
        # Scores that are no larger than the rows are held: cheaper than computing them twice.
        held = len(b) <= max(a.shape[1], HELD // max(len(a), 1))
        size = max(LEAST, len(a) if held else CHUNK // max(len(b), 1))
        scale = LOG2_E / temperature
        sums = (_Sums if _is_warm(temperature) else _LogSums)(a, b, start)
        pieces = []
        for rows, scores in chunks(a, b, scale, size):
            _leave_out(scores, groups, rows, start)
            sums.add(rows, scores)
            pieces = [(rows, scores)]
        total = sums.close()
        if any(ctx.needs_input_grad):
            a_gradient, b_gradient = torch.empty_like(a), b.new_zeros(b.shape[::-1])
            for rows, scores in pieces if held else chunks(a, b, scale, size):
                if not held:
                    _leave_out(scores, groups, rows, start)
                    sums.prepare(scores)
                share = sums.share(rows, scores)
                share.diagonal(start + rows.start).copy_(sums.pull[rows])
                torch.mm(share, b, out=a_gradient[rows])
                # Not (K, D): a product with the transposed shares takes a fifth longer.
                b_gradient.addmm_(a[rows].T, share)
            ctx.save_for_backward(a, temperature, a_gradient, b_gradient.T.contiguous())
        return all_reduce_sum(total)

    @staticmethod
    @once_only
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        a, temperature, a_gradient, b_gradient = ctx.saved_tensors
        if world_size() > 1:
            # The adjoint of a sum over ranks is a sum over ranks; what remains is local.
            gradient = gradient.clone()
            dist.all_reduce(gradient)
        gradient = gradient / temperature  # which all scores were divided by
        towards_a, towards_temperature = a_gradient * gradient, None
        if ctx.needs_input_grad[2]:
            towards_temperature = by_temperature(a, towards_a, temperature)
        return towards_a, b_gradient * gradient, towards_temperature, None, None


class _Sums:
    """The sums of 2^score along rows and columns, for temperatures from `WARM` on.

    row: (N,) of this process's rows; column: (K,) of all columns, both without the positives; own:
    (N,) the rows' own 2^s_ii, kept apart so that small losses and gradients keep their digits.
    pull: (N,) the gradient in s_ii, once the sums are closed.
    """

    pull: Tensor

    def __init__(self, a: Tensor, b: Tensor, start: int) -> None:
        self.start = start
        self.row, self.own = a.new_empty(len(a)), a.new_empty(len(a))
        self.column = b.new_zeros(len(b))

    def prepare(self, scores: Tensor) -> None:
        scores.exp2_()

    def add(self, rows: slice, scores: Tensor) -> None:
        self.prepare(scores)
        own = scores.diagonal(self.start + rows.start)
        self.own[rows] = own
        own.zero_()
        torch.sum(scores, dim=1, out=self.row[rows])
        self.column += scores.sum(dim=0)

    def close(self) -> Tensor:
        """The sum () over this process's rows and columns, once every row was added."""
        self.column = all_reduce_sum(self.column)
        column = self.column[self.start : self.start + len(self.row)]
        total = ((self.row / self.own).log1p_() + (column / self.own).log1p_()).sum()
        self.pull = -self.row / (self.row + self.own) - column / (column + self.own)
        self.row = (self.row + self.own).reciprocal_()
        self.column = (self.column + gather_rows(self.own)).reciprocal_()
        return total

    def share(self, rows: slice, scores: Tensor) -> Tensor:
        """2^score / its row's sum + 2^score / its column's; overwrites prepared scores, (n, K)."""
        return scores.mul_(self.row[rows, None] + self.column)


class _LogSums:
    """The same in logarithms, for any temperature."""

    pull: Tensor

    def __init__(self, a: Tensor, b: Tensor, start: int) -> None:
        self.start = start
        self.row, self.own = a.new_empty(len(a)), a.new_empty(len(a))
        self.column = b.new_full((len(b),), -torch.inf)

    def prepare(self, scores: Tensor) -> None:
        """scores: (B, N). Nothing to do."""

    def add(self, rows: slice, scores: Tensor) -> None:
        own = scores.diagonal(self.start + rows.start)
        self.own[rows] = own
        own.fill_(-torch.inf)
        self.row[rows] = log2_sum(scores, dim=1)
        self.column = torch.logaddexp2(self.column, log2_sum(scores, dim=0))

    def close(self) -> Tensor:
        if world_size() > 1:
            self.column = log2_sum(gather_rows(self.column[None]), dim=0)
        column = self.column[self.start : self.start + len(self.row)]
        # log(1 + others / own); a difference of both logarithms would lose a small loss.
        apart = torch.stack([self.row - self.own, column - self.own]) * LN_2
        self.pull = -apart.sigmoid().sum(dim=0)
        self.row = torch.logaddexp2(self.row, self.own)
        self.column = torch.logaddexp2(self.column, gather_rows(self.own))
        return torch.logaddexp(apart, apart.new_zeros(())).sum()

    def share(self, rows: slice, scores: Tensor) -> Tensor:
        by_row = (scores - self.row[rows, None]).exp2_()
        return by_row.add_(scores.sub_(self.column).exp2_())


def _is_warm(temperature: Tensor) -> bool:
    """Not checked on an accelerator, where it would synchronise."""
    return temperature.device.type == "cpu" and temperature.item() >= WARM


def _leave_out(scores: Tensor, groups: Groups | None, rows: slice, start: int) -> None:
    """Scores within a group become -inf, but for those of a sample with itself."""
    if groups is not None:
        excluded = alike(groups, rows)
        excluded.diagonal(start + rows.start).fill_(False)
        scores.masked_fill_(excluded, -torch.inf)
