"""Sums of log-sum-exps over pairs of rows, in pieces that fit in memory.

The M × K scores of a contrastive loss are never held as a whole. As the loss adds up the
logarithms of all rows with equal weight, the gradient is known as soon as a row is: it is
computed along the way, and the backward pass only scales it. Scores are to the base 2 inside
(see `logsumexp`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from unlabeled.derivatives import once_only
from unlabeled.distributed import gather_rows, rank, row_counts
from unlabeled.objectives.logsumexp import LN_2, LOG2_E

CHUNK = 2**20
"""Scores that are computed at once: 4 MB in float32."""

Groups = tuple[Tensor, Tensor]
"""Ids (M,) of the queries and (K,) of the keys, int64."""


def sum_of_excesses(
    query: Tensor,
    key: Tensor,
    positive: Tensor,
    temperature: float | Tensor,
    own: Tensor,
    groups: Groups | None = None,
    *,
    decoupled: bool = False,
) -> tuple[Tensor, Tensor]:
    """sum_i log( exp(p_i) + sum_{j not excluded} exp(query_i · key_j / T) ) - p_i.

    query: (M, D); key: (K, D), may be the same tensor; positive: (M,), p; decoupled: the sum leaves
    exp(p_i) out. Excluded are own: (M, C) int64, the keys that are query i's own sample, and keys
    of its group. Returns the sum over this process's M rows (), and which rows count, (M,) bool: a
    row whose sum is empty does not. Each term is a logarithm of a ratio, never a difference of
    large numbers: it keeps its digits, and is not negative unless decoupled.
    """
    scale = torch.as_tensor(temperature, dtype=query.dtype, device=query.device)
    result: tuple[Tensor, Tensor] = _SumOfExcesses.apply(  # type: ignore[no-untyped-call]
        query, key, positive, scale, own, groups, decoupled
    )
    return result


def both_views(a: Tensor, b: Tensor, groups: Tensor | None) -> tuple[Tensor, Tensor, Groups | None]:
    """Two views (N, D) as the queries of `sum_of_excesses`, whose keys are those of all processes.

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
    """The position in the joint batch of the first of this process's rows, (N, ...)."""
    return sum(row_counts(rows)[: rank()])


class _SumOfExcesses(Function):
    @staticmethod
    def forward(
        ctx: Any,
        query: Tensor,
        key: Tensor,
        positive: Tensor,
        temperature: Tensor,
        own: Tensor,
        groups: Groups | None,
        decoupled: bool,
    ) -> tuple[Tensor, Tensor]:
        ctx.same = query is key
        excess, others = query.new_empty(len(query)), query.new_empty(len(query))
        wanted = any(ctx.needs_input_grad)
        query_gradient = torch.zeros_like(query) if wanted else query
        key_gradient = query_gradient if ctx.same or not wanted else torch.zeros_like(key)
        positive = positive * LOG2_E
        size = max(1, CHUNK // max(len(key), 1))
        for rows, scores in chunks(query, key, LOG2_E / temperature, size):
            # -inf, not a mask afterwards: exp(-inf) is exactly 0, in the sum and in the gradient.
            if groups is None:
                scores.scatter_(1, own[rows], -torch.inf)
            else:
                scores.masked_fill_(alike(groups, rows), -torch.inf)
            peak = scores.amax(dim=1)
            peak = peak if decoupled else torch.maximum(peak, positive[rows])
            # A row without negatives has the peak -inf, and -inf minus -inf is NaN.
            peak = torch.where(peak == -torch.inf, 0, peak)
            total = rest = scores.sub_(peak[:, None]).exp2_().sum(dim=1)
            if decoupled:
                logs = rest.log2()
            else:
                itself = (positive[rows] - peak).exp2_()
                # itself - 1 is exactly 0 where the positive is the largest: a small rest counts.
                logs = (rest + (itself - 1)).log1p_().mul_(LOG2_E)
                total = rest + itself
            excess[rows] = logs + (peak - positive[rows])
            others[rows] = torch.where(total == 0, 0, rest / total)
            if wanted:
                scores.mul_(torch.where(total == 0, 0, 1 / (total * temperature))[:, None])
                query_gradient[rows].addmm_(scores, key)
                key_gradient.addmm_(scores.T, query[rows])
        counts = excess > -torch.inf
        ctx.save_for_backward(query, temperature, others, query_gradient, key_gradient)
        ctx.mark_non_differentiable(counts)
        return torch.where(counts | excess.isnan(), excess, 0).sum() * LN_2, counts

    @staticmethod
    @once_only
    def backward(ctx: Any, gradient: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
        query, temperature, others, query_gradient, key_gradient = ctx.saved_tensors
        towards_query = query_gradient * gradient
        towards_key = None if ctx.same else key_gradient * gradient
        towards_positive, towards_temperature = -others * gradient, None
        if ctx.needs_input_grad[3]:
            towards_temperature = by_temperature(query, towards_query, temperature)
            # Query and key are one tensor then: each score was counted in both of their gradients.
            towards_temperature = towards_temperature / (2 if ctx.same else 1)
        return towards_query, towards_key, towards_positive, towards_temperature, None, None, None


def by_temperature(rows: Tensor, gradient: Tensor, temperature: Tensor) -> Tensor:
    """The gradient in T, (), from that in the rows: scores are linear in the rows and in 1/T."""
    return -(rows * gradient).sum() / temperature


def alike(groups: Groups, rows: slice) -> Tensor:
    """Whether a query, of those at `rows`, and a key are of one group: (M, K) bool."""
    return groups[0][rows, None] == groups[1]


def chunks(query: Tensor, key: Tensor, scale: Tensor, size: int) -> Iterator[tuple[slice, Tensor]]:
    """The scores of `size` queries at a time with all keys, times `scale`, in one buffer.

    query: (M, D); key: (K, D); scale: (). Yields the queries' places and their scores (size, K).
    """
    buffer = query.new_empty(min(size, len(query)), len(key))
    for start in range(0, len(query), size):
        rows = slice(start, min(start + size, len(query)))
        yield rows, torch.mm(query[rows] * scale, key.T, out=buffer[: rows.stop - start])
