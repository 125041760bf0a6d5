"""The log-sum-exp over negatives, in pieces that fit in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from unlabeled.distributed import rank, row_counts

CHUNK = 2**21
"""Scores that are held at once: 8 MB in float32."""


def log_sum_exp_of_negatives(
    query: Tensor, key: Tensor, query_ids: Tensor, key_ids: Tensor
) -> Tensor:
    """log sum_{j: key_ids_j ≠ query_ids_i} exp(query_i · key_j) for every i: (M,).

    query: (M, D), already divided by the temperature; key: (K, D); ids: (M,) and (K,) int64.
    -inf, with a gradient of zero, where every key is left out. The M × K scores are never held
    as a whole: they are computed in chunks, and again in the backward pass.
    """
    result: Tensor = _LogSumExp.apply(  # type: ignore[no-untyped-call]
        query, key, query_ids, key_ids
    )
    return result


def sample_ids(rows: Tensor, groups: Tensor | None) -> Tensor:
    """`groups`, or else each sample's position in the joint batch: (N,) int64."""
    if groups is not None:
        return groups.to(torch.int64)
    start = sum(row_counts(rows)[: rank()])
    return torch.arange(start, start + len(rows), device=rows.device)


class _LogSumExp(Function):
    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, query_ids: Tensor, key_ids: Tensor) -> Tensor:
        result = query.new_empty(len(query))
        for rows, scores in _chunks(query, key, query_ids, key_ids):
            torch.logsumexp(scores, dim=1, out=result[rows])
        ctx.save_for_backward(query, key, query_ids, key_ids, result)
        return result

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None, None]:
        query, key, query_ids, key_ids, result = ctx.saved_tensors
        # -inf - -inf would be NaN; exp(-inf - 0) is the zero that is meant.
        result = torch.where(result == -torch.inf, 0, result)
        query_gradient, key_gradient = torch.empty_like(query), torch.zeros_like(key)
        for rows, scores in _chunks(query, key, query_ids, key_ids):
            share = scores.sub_(result[rows, None]).exp_()
            torch.mm(share, key, out=query_gradient[rows])
            key_gradient.addmm_(share.T, query[rows] * gradient[rows, None])
        return query_gradient.mul_(gradient[:, None]), key_gradient, None, None


def _chunks(
    query: Tensor, key: Tensor, query_ids: Tensor, key_ids: Tensor
) -> Iterator[tuple[slice, Tensor]]:
    """Scores of some rows at a time, in one buffer, -inf where ids are equal."""
    size = max(1, min(len(query), CHUNK // max(len(key), 1)))
    buffer = query.new_empty(size, len(key))
    for start in range(0, len(query), size):
        rows = slice(start, min(start + size, len(query)))
        scores = torch.mm(query[rows], key.T, out=buffer[: rows.stop - start])
        yield rows, scores.masked_fill_(query_ids[rows, None] == key_ids, -torch.inf)
