"""Node features of which most are zero, with a few rows that are learned.

Bags of words, one-hot degrees and kinds of atoms are mostly zero; only nodes hidden by a masked
method have a dense learned token. Stored apart, the first layer of an encoder costs only the
products of non-zero values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import Function

from unlabeled.derivatives import once_only
from unlabeled_graph.neighbour_sums import Layout, layout, matrix

SPARSE = 0.1
"""The largest share of non-zero values at which this is faster."""

LARGE = 2**18
"""Matrices of fewer values are multiplied as they are."""

LOOKED_AT = 256
"""Rows of which the non-zero values are counted."""


@dataclass(slots=True)
class SparseRows:
    """(M, F), zero but for two things.

    values: (Z,) in the places (rows, columns), without gradient; filled: (P, F), the rows of
    the nodes `at` (P,), which hold none of the values.
    """

    values: Tensor
    rows: Tensor
    columns: Tensor
    filled: Tensor
    at: Tensor
    shape: tuple[int, int]

    def dropout(self, ratio: float, *, training: bool) -> SparseRows:
        """As `F.dropout` on the whole matrix: zeros stay zero."""
        return SparseRows(
            F.dropout(self.values, ratio, training),
            self.rows,
            self.columns,
            F.dropout(self.filled, ratio, training),
            self.at,
            self.shape,
        )

    def linear(self, weight: Tensor) -> Tensor:
        """`self @ weight.T`. weight: (D, F). Returns (M, D)."""
        kind = torch.promote_types(weight.dtype, torch.float32)
        with torch.autocast(weight.device.type, enabled=False):
            product: Tensor = _Product.apply(  # type: ignore[no-untyped-call]
                self.values.to(kind), weight.to(kind), self.rows, self.columns, self.shape
            )
        return product.index_add(0, self.at, F.linear(self.filled, weight).to(product.dtype))


def worth_it(x: Tensor) -> bool:
    """Whether a matrix (M, D) is large, and by a look at some of its rows empty, enough to be kept
    so."""
    if x.numel() < LARGE:
        return False
    some = x[:: max(1, len(x) // LOOKED_AT)]
    return int(some.count_nonzero()) <= SPARSE * some.numel()


def split(x: Tensor, filled: Tensor, at: Tensor) -> SparseRows:
    """x: (M, F), with whatever values in the rows `at` (P,), which show `filled` (P, F)."""
    rows, columns = x.nonzero(as_tuple=True)
    own = torch.ones(len(x), dtype=torch.bool, device=x.device).index_fill(0, at, False)[rows]
    rows, columns = rows[own], columns[own]
    return SparseRows(x.detach()[rows, columns], rows, columns, filled, at, (len(x), x.shape[1]))


class _Product(Function):
    @staticmethod
    def forward(
        ctx: Any,
        values: Tensor,
        weight: Tensor,
        rows: Tensor,
        columns: Tensor,
        shape: tuple[int, int],
    ) -> Tensor:
        ctx.save_for_backward(values, rows, columns)
        ctx.shape = shape
        form: Layout = layout(rows, columns, shape)
        return matrix(form, values) @ weight.T

    @staticmethod
    @once_only
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        values, rows, columns = ctx.saved_tensors
        back = layout(columns, rows, ctx.shape[::-1])
        return None, (matrix(back, values) @ gradient.contiguous()).T, None, None, None
