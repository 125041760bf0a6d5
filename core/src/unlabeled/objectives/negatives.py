"""Sums of log-sum-exps over pairs of rows, in pieces that fit in memory.

The M × K scores of a contrastive loss are never held as a whole. As the loss adds up the
logarithms of all rows with equal weight, the gradient is known as soon as a row is: it is
computed along the way, and the backward pass only scales it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.autograd import Function

from unlabeled.distributed import all_reduce_sum, gather_rows, rank, row_counts, world_size

CHUNK = 2**21
"""Scores that are held at once: 8 MB in float32."""


def sum_of_log_sums(
    query: Tensor,
    key: Tensor,
    positive: Tensor | None,
    temperature: float | Tensor,
    query_ids: Tensor,
    key_ids: Tensor,
) -> tuple[Tensor, Tensor]:
    """sum_i log( exp(positive_i) + sum_{j: key_ids_j ≠ query_ids_i} exp(query_i · key_j / T) ).

    query: (M, D); key: (K, D), may be the same tensor; positive: (M,), None leaves it out;
    ids: (M,) and (K,) int64. Returns the sum over this process's M rows (), and the M logarithms
    without gradient; a row whose sum is empty has -inf and does not count.
    """
    scale = torch.as_tensor(temperature, dtype=query.dtype, device=query.device)
    result: tuple[Tensor, Tensor] = _SumOfLogSums.apply(  # type: ignore[no-untyped-call]
        query, key, positive, scale, query_ids, key_ids
    )
    return result


def contrast_both_ways(a: Tensor, b: Tensor, temperature: float | Tensor, ids: Tensor) -> Tensor:
    """sum_i (log sum_j exp(s_ij) - s_ii) + sum_j (log sum_i exp(s_ij) - s_jj), joint, ().

    s_ij = a_i · b_j / T; a, b: (N, D), rows of this process; ids: (N,) int64; pairs i ≠ j with
    equal ids are left out. i and j run over the joint batch.
    """
    scale = torch.as_tensor(temperature, dtype=a.dtype, device=a.device)
    result: Tensor = _BothWays.apply(  # type: ignore[no-untyped-call]
        a, gather_rows(b), scale, ids, gather_rows(ids), first_row(a)
    )
    return result


def sample_ids(rows: Tensor, groups: Tensor | None) -> Tensor:
    """`groups`, or else each sample's position in the joint batch: (N,) int64."""
    if groups is not None:
        return groups.to(torch.int64)
    start = first_row(rows)
    return torch.arange(start, start + len(rows), device=rows.device)


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
        query_ids: Tensor,
        key_ids: Tensor,
    ) -> tuple[Tensor, Tensor]:
        ctx.same = query is key
        logs = query.new_empty(len(query))
        wanted = any(ctx.needs_input_grad)
        query_gradient = torch.zeros_like(query) if wanted else query
        key_gradient = query_gradient if ctx.same or not wanted else torch.zeros_like(key)
        size = max(1, CHUNK // max(len(key), 1))
        for rows, scores in _chunks(query, key, temperature, query_ids, key_ids, size):
            peak = scores.amax(dim=1)
            if positive is not None:
                peak = torch.maximum(peak, positive[rows])
            peak = torch.where(peak == -torch.inf, 0, peak)
            total = scores.sub_(peak[:, None]).exp_().sum(dim=1)
            if positive is not None:
                total = total + (positive[rows] - peak).exp()
            logs[rows] = total.log() + peak
            if wanted:
                scores.mul_(torch.where(total == 0, 0, 1 / (total * temperature))[:, None])
                query_gradient[rows] += scores @ key
                key_gradient.addmm_(scores.T, query[rows])
        ctx.save_for_backward(query, positive, temperature, logs, query_gradient, key_gradient)
        ctx.mark_non_differentiable(logs)
        return torch.where(logs == -torch.inf, 0, logs).sum(), logs

    @staticmethod
    def backward(ctx: Any, gradient: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
        query, positive, temperature, logs, query_gradient, key_gradient = ctx.saved_tensors
        towards_query = query_gradient * gradient
        towards_key = None if ctx.same else key_gradient * gradient
        towards_positive = towards_temperature = None
        if positive is not None:
            towards_positive = (positive - logs).exp_().mul_(gradient)
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
        a_ids: Tensor,
        b_ids: Tensor,
        start: int,
    ) -> Tensor:
        # Scores that are no larger than the rows are held: cheaper than computing them twice.
        held = len(b) <= max(a.shape[1], CHUNK // max(len(a), 1))
        size = max(1, len(a) if held else CHUNK // max(len(b), 1))
        by_row, by_column, own = a.new_empty(len(a)), b.new_full((len(b),), -torch.inf), []
        for rows, scores in _chunks(a, b, temperature, a_ids, b_ids, size, start):
            torch.logsumexp(scores, dim=1, out=by_row[rows])
            by_column = torch.logaddexp(by_column, torch.logsumexp(scores, dim=0))
            own.append(scores.diagonal(start + rows.start).sum())
        by_column = torch.logsumexp(gather_rows(by_column[None]), dim=0)
        if any(ctx.needs_input_grad):
            pieces = (
                [(rows, scores)]
                if held and len(a)
                else _chunks(a, b, temperature, a_ids, b_ids, size, start)
            )
            a_gradient, b_gradient = torch.empty_like(a), torch.zeros_like(b)
            for rows, scores in pieces:
                share = (scores - by_row[rows, None]).exp_()
                share += scores.sub_(by_column).exp_()
                share.diagonal(start + rows.start).sub_(2)
                share /= temperature
                torch.mm(share, b, out=a_gradient[rows])
                b_gradient.addmm_(share.T, a[rows])
            ctx.save_for_backward(a, temperature, a_gradient, b_gradient)
        columns = by_column[start : start + len(a)]
        return all_reduce_sum(by_row.sum() + columns.sum() - 2 * sum(own, by_row.new_zeros(())))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        a, temperature, a_gradient, b_gradient = ctx.saved_tensors
        if world_size() > 1:
            # The adjoint of a sum over ranks is a sum over ranks; what remains is local.
            gradient = gradient.clone()
            dist.all_reduce(gradient)
        towards_a, towards_temperature = a_gradient * gradient, None
        if ctx.needs_input_grad[2]:
            towards_temperature = _by_temperature(a, towards_a, temperature)
        return towards_a, b_gradient * gradient, towards_temperature, None, None, None


def _by_temperature(rows: Tensor, gradient: Tensor, temperature: Tensor) -> Tensor:
    """Scores are linear in the rows and in 1/T, so one gradient follows from the other."""
    return -(rows * gradient).sum() / temperature


def _chunks(
    query: Tensor,
    key: Tensor,
    temperature: Tensor,
    query_ids: Tensor,
    key_ids: Tensor,
    size: int,
    own: int | None = None,
) -> Iterator[tuple[slice, Tensor]]:
    """Scores of `size` rows at a time, in one buffer, -inf where ids are equal.

    own: the key that belongs to query 0, the next to query 1 and so on; these stay as they are.
    """
    buffer = query.new_empty(min(size, len(query)), len(key))
    for start in range(0, len(query), size):
        rows = slice(start, min(start + size, len(query)))
        scores = torch.mm(query[rows], key.T, out=buffer[: rows.stop - start]).div_(temperature)
        excluded = query_ids[rows, None] == key_ids
        if own is not None:
            excluded.diagonal(own + start).fill_(False)
        yield rows, scores.masked_fill_(excluded, -torch.inf)
