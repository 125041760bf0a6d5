"""Directions of vectors, with an answer for vectors that have none."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

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
    dots: Tensor = torch.einsum("...d,...d->...", a, b)
    return dots


class _UnitRows(Function):
    """By hand: autograd would also keep the argument and make three times the temporaries."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        length = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
        scale = torch.where(length > SHORTEST, 1 / length, 0)
        rows = x * scale
        ctx.save_for_backward(rows, scale)
        return rows

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        rows, scale = ctx.saved_tensors
        along = row_dots(gradient, rows).unsqueeze(-1)
        return torch.addcmul(gradient, rows, -along).mul_(scale)
