"""Sums of log-sum-exps over pairs of rows, in pieces that fit in memory.

The M × K scores of a contrastive loss are never held as a whole. As the loss adds up the
logarithms of all rows with equal weight, the gradient is known as soon as a row is: it is
computed along the way, and the backward pass only scales it. Scores are to the base 2 inside
(see `log_sums`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.autograd import Function

from unlabeled.distributed import all_reduce_sum, gather_rows, rank, row_counts, world_size
from unlabeled.objectives.log_sums import LN_2, LOG2_E, log2_sum

CHUNK = 2**20
"""Scores that are computed at once: 4 MB in float32."""

HELD = 2**21
"""So many scores are held rather than computed twice: 8 MB in float32."""

Groups = tuple[Tensor, Tensor]
"""Ids (M,) of the queries and (K,) of the keys, int64."""


def sum_of_log_sums(
    query: Tensor,
    key: Tensor,
    positive: Tensor | None,
    temperature: float | Tensor,
    own: Tensor,
    groups: Groups | None = None,
) -> tuple[Tensor, Tensor]:
    """sum_i log( exp(positive_i) + sum_{j not excluded} exp(query_i · key_j / T) ).

    query: (M, D); key: (K, D), may be the same tensor; positive: (M,), None leaves it out.
    Excluded are own: (M, C) int64, the keys that are query i's own sample, and keys of its group.
    Returns the sum over this process's M rows (), and the M logarithms without gradient; a row
    whose sum is empty has -inf and does not count.
    """
    scale = torch.as_tensor(temperature, dtype=query.dtype, device=query.device)
    result: tuple[Tensor, Tensor] = _SumOfLogSums.apply(  # type: ignore[no-untyped-call]
        query, key, positive, scale, own, groups
    )
    return result


def contrast_both_ways(
    a: Tensor, b: Tensor, temperature: float | Tensor, groups: Tensor | None = None
) -> Tensor:
    """sum_i (log sum_j exp(s_ij) - s_ii) + sum_j (log sum_i exp(s_ij) - s_jj), joint, ().

    s_ij = a_i · b_j / T; a, b: (N, D), rows of this process; groups: (N,) int64, pairs i ≠ j of
    one group are left out. i and j run over the joint batch.
    """
    scale = torch.as_tensor(temperature, dtype=a.dtype, device=a.device)
    ids = None if groups is None else (groups, gather_rows(groups))
    result: Tensor = _BothWays.apply(  # type: ignore[no-untyped-call]
        a, gather_rows(b), scale, first_row(a), ids
    )
    return result


def both_views(a: Tensor, b: Tensor, groups: Tensor | None) -> tuple[Tensor, Tensor, Groups | None]:
    """Two views (N, D) as the queries of `sum_of_log_sums`, whose keys are those of all processes.

    Returns the rows (2N, D), the keys that are the same sample (2N, 2), and the groups.
    """
    places = sample_ids(a) + first_row(a)
    own = torch.stack([places, places + len(a)], dim=1).repeat(2, 1)
    ids = None if groups is None else groups.repeat(2)
    return torch.cat([a, b]), own, None if ids is None else (ids, gather_rows(ids))


def sample_ids(rows: Tensor) -> Tensor:
    """Each sample's position in the joint batch, (N,) int64."""
    return torch.arange(len(rows), device=rows.device) + first_row(rows)


def first_row(rows: Tensor) -> int:
    """The position in the joint batch of this process's first row."""
    return sum(row_counts(rows)[: rank()])


class _SumOfLogSums(Function):
    @staticmethod
    def forward(
        ctx: Any,
        query: Tensor,
        key: Tensor,
        positive: Tensor | None,
        temperature: Tensor,
        own: Tensor,
        groups: Groups | None,
    ) -> tuple[Tensor, Tensor]:
        ctx.same = query is key
        logs = query.new_empty(len(query))
        wanted = any(ctx.needs_input_grad)
        query_gradient = torch.zeros_like(query) if wanted else query
        key_gradient = query_gradient if ctx.same or not wanted else torch.zeros_like(key)
        positive = None if positive is None else positive * LOG2_E
        size = max(1, CHUNK // max(len(key), 1))
        for rows, scores in _chunks(query * (LOG2_E / temperature), key, size):
            if groups is None:
                scores.scatter_(1, own[rows], -torch.inf)
            else:
                scores.masked_fill_(_alike(groups, rows), -torch.inf)
            peak = scores.amax(dim=1)
            if positive is not None:
                peak = torch.maximum(peak, positive[rows])
            peak = torch.where(peak == -torch.inf, 0, peak)
            total = scores.sub_(peak[:, None]).exp2_().sum(dim=1)
            if positive is not None:
                total += (positive[rows] - peak).exp2_()
            logs[rows] = total.log2() + peak
            if wanted:
                scores.mul_(torch.where(total == 0, 0, 1 / (total * temperature))[:, None])
                query_gradient[rows].addmm_(scores, key)
                key_gradient.addmm_(scores.T, query[rows])
        ctx.save_for_backward(query, positive, temperature, logs, query_gradient, key_gradient)
        ctx.mark_non_differentiable(logs)
        return torch.where(logs == -torch.inf, 0, logs).sum() * LN_2, logs

    @staticmethod
    def backward(ctx: Any, gradient: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
        query, positive, temperature, logs, query_gradient, key_gradient = ctx.saved_tensors
        towards_query = query_gradient * gradient
        towards_key = None if ctx.same else key_gradient * gradient
        towards_positive = towards_temperature = None
        if positive is not None:
            towards_positive = (positive - logs).exp2_().mul_(gradient)
        if ctx.needs_input_grad[3]:
            towards_temperature = _by_temperature(query, towards_query, temperature)
            towards_temperature = towards_temperature / (2 if ctx.same else 1)
        return towards_query, towards_key, towards_positive, towards_temperature, None, None


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
        size = max(1, len(a) if held else CHUNK // max(len(b), 1))
        scaled = a * (LOG2_E / temperature)
        by_row, by_column, own = a.new_empty(len(a)), b.new_full((len(b),), -torch.inf), []
        pieces = []
        for rows, scores in _chunks(scaled, b, size):
            _leave_out(scores, groups, rows, start)
            by_row[rows] = log2_sum(scores, dim=1)
            by_column = torch.logaddexp2(by_column, log2_sum(scores, dim=0))
            own.append(scores.diagonal(start + rows.start).sum())
            pieces = [(rows, scores)]
        by_column = _joint_log_sum(by_column)
        if any(ctx.needs_input_grad):
            a_gradient, b_gradient = torch.empty_like(a), torch.zeros_like(b)
            for rows, scores in pieces if held else _chunks(scaled, b, size):
                if not held:
                    _leave_out(scores, groups, rows, start)
                share = (scores - by_row[rows, None]).exp2_()
                share += scores.sub_(by_column).exp2_()
                share.diagonal(start + rows.start).sub_(2)
                torch.mm(share, b, out=a_gradient[rows])
                b_gradient.addmm_(share.T, a[rows])
            ctx.save_for_backward(a, temperature, a_gradient, b_gradient)
        columns = by_column[start : start + len(a)]
        total = by_row.sum() + columns.sum() - 2 * sum(own, by_row.new_zeros(()))
        return all_reduce_sum(total * LN_2)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        a, temperature, a_gradient, b_gradient = ctx.saved_tensors
        if world_size() > 1:
            # The adjoint of a sum over ranks is a sum over ranks; what remains is local.
            gradient = gradient.clone()
            dist.all_reduce(gradient)
        gradient = gradient / temperature  # which all scores were divided by
        towards_a, towards_temperature = a_gradient * gradient, None
        if ctx.needs_input_grad[2]:
            towards_temperature = _by_temperature(a, towards_a, temperature)
        return towards_a, b_gradient * gradient, towards_temperature, None, None


def _by_temperature(rows: Tensor, gradient: Tensor, temperature: Tensor) -> Tensor:
    """Scores are linear in the rows and in 1/T, so one gradient follows from the other."""
    return -(rows * gradient).sum() / temperature


def _joint_log_sum(logs: Tensor) -> Tensor:
    return logs if world_size() == 1 else log2_sum(gather_rows(logs[None]), dim=0)


def _alike(groups: Groups, rows: slice) -> Tensor:
    return groups[0][rows, None] == groups[1]


def _leave_out(scores: Tensor, groups: Groups | None, rows: slice, start: int) -> None:
    """Scores within a group become -inf, but for those of a sample with itself."""
    if groups is not None:
        excluded = _alike(groups, rows)
        excluded.diagonal(start + rows.start).fill_(False)
        scores.masked_fill_(excluded, -torch.inf)


def _chunks(query: Tensor, key: Tensor, size: int) -> Iterator[tuple[slice, Tensor]]:
    """The products of `size` queries at a time with all keys, in one buffer."""
    buffer = query.new_empty(min(size, len(query)), len(key))
    for start in range(0, len(query), size):
        rows = slice(start, min(start + size, len(query)))
        yield rows, torch.mm(query[rows], key.T, out=buffer[: rows.stop - start])
