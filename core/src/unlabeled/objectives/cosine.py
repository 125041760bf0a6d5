"""Directions of vectors, with an answer for vectors that have none."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from unlabeled.derivatives import once_only

SHORTEST = 1e-12
"""Below this length a vector has no direction."""


def unit_rows(x: Tensor) -> Tensor:
    """Scale the last axis to length 1: (..., D) -> (..., D).

    A vector shorter than `SHORTEST` becomes zeros and gets a gradient of zero; divided by a
    small constant instead, it would get one of 1e12.
    """
    rows: Tensor = _UnitRows.apply(x)  # type: ignore[no-untyped-call]
    return rows


def row_dots(a: Tensor, b: Tensor) -> Tensor:
    """The dot products of the vectors along the last axis, (..., D), (..., D) -> (...)."""
    dots: Tensor = torch.linalg.vecdot(a, b)
    return dots


def cosines(a: Tensor, b: Tensor) -> Tensor:
    """The cosine of each row of `a` with the same row of `b`: (N, D), (N, D) -> (N,).

    0, with a gradient of zero, where either row is shorter than `SHORTEST`.
    """
    result: Tensor = _Cosines.apply(a, b)  # type: ignore[no-untyped-call]
    return result


class _UnitRows(Function):
    """By hand: autograd would also keep the argument and make three times the temporaries."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        length = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
        scale = length.reciprocal().masked_fill_(length <= SHORTEST, 0)
        rows: Tensor = x * scale
        ctx.save_for_backward(rows, scale)
        return rows

    @staticmethod
    @once_only
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        rows, scale = ctx.saved_tensors
        along = row_dots(gradient, rows).unsqueeze(-1)
        towards: Tensor = torch.addcmul(gradient, rows, -along).mul_(scale)
        return towards


class _Cosines(Function):
    """By hand: no unit rows are made, neither forward nor backward."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor) -> Tensor:
        a_length, b_length = torch.linalg.vector_norm(a, dim=1), torch.linalg.vector_norm(b, dim=1)
        undefined = torch.minimum(a_length, b_length) <= SHORTEST
        # Of two short rows the product underflows to 0 and its inverse is infinite: masked, not
        # clamped.
        scale = (a_length * b_length).reciprocal_().masked_fill_(undefined, 0)
        # Rounding must not lead beyond 1: losses such as 2 - 2 cos are never negative.
        cosine = row_dots(a, b).mul_(scale).clamp_(-1, 1)
        ctx.save_for_backward(a, b, a_length, b_length, scale, cosine)
        return cosine

    @staticmethod
    @once_only
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None]:
        a, b, a_length, b_length, scale, cosine = ctx.saved_tensors
        along, across = gradient * cosine, (gradient * scale)[:, None]
        return (
            _towards(a, b, a_length, along, across) if ctx.needs_input_grad[0] else None,
            _towards(b, a, b_length, along, across) if ctx.needs_input_grad[1] else None,
        )


def _towards(x: Tensor, other: Tensor, length: Tensor, along: Tensor, across: Tensor) -> Tensor:
    back = along / length.square().clamp(min=SHORTEST**2)
    return (other * across).addcmul_(x, -back[:, None])
