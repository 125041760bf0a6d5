"""Weighted sums over neighbours as one product of sparse matrices, forwards and backwards.

With a layer of H heads on N nodes, node i of head h is row i · H + h of the product, so all heads
go through one matrix and no message per edge is ever held: memory grows with N · H · C + E · H,
not with E · H · C.
"""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import Function

from unlabeled.derivatives import once_only


def neighbour_sums(weights: Tensor, values: Tensor, edge_index: Tensor, count: int) -> Tensor:
    """out[i] = Σ over edges (j → i) of weight · values[j], head by head.

    weights: (E, H); values: (N, H, C); edge_index: (2, E), source above target; count: the number
    of targets M. Returns (M, H, C); float32 or float64, half types are computed in float32.
    """
    kind = torch.promote_types(values.dtype, torch.float32)
    with torch.autocast(values.device.type, enabled=False):
        total: Tensor = _NeighbourSums.apply(  # type: ignore[no-untyped-call]
            weights.to(kind), values.to(kind).contiguous(), edge_index, count
        )
    return total


def available(values: Tensor) -> bool:
    """values: (M, D). Not in builds of torch without MKL on the CPU, nor while a graph is traced
    for export."""
    if torch.compiler.is_compiling() or torch.onnx.is_in_onnx_export():
        return False
    return values.device.type != "cpu" or bool(torch._C.has_mkl)


class Layout(NamedTuple):
    """A sparse matrix without its values: CSR offsets and columns, and for each entry where its
    value lies among the flattened (E, H) weights."""

    offsets: Tensor
    columns: Tensor
    order: Tensor
    shape: tuple[int, int]

    def of_edges(self, kept: Tensor) -> Layout:
        """The layout, of one head, of the edges where `kept`, (E,) bool, in their order."""
        stays = kept.index_select(0, self.order)
        ends = F.pad(stays.cumsum(0), (1, 0))
        number = kept.cumsum(0) - 1
        return Layout(
            ends.index_select(0, self.offsets),
            self.columns[stays],
            number[self.order[stays]],
            self.shape,
        )


def layout(rows: Tensor, columns: Tensor, shape: tuple[int, int], heads: int = 1) -> Layout:
    """rows, columns: (E,); shape: of one head. Entries of a row keep the order of the edges."""
    by_row = torch.argsort(rows, stable=True)
    degree = torch.bincount(rows, minlength=shape[0])
    head = torch.arange(heads, device=rows.device)
    row = rows[by_row]
    within = torch.arange(len(rows), device=rows.device) - (degree.cumsum(0) - degree)[row]
    first = heads * (degree.cumsum(0) - degree)[row]
    place = (first + within)[:, None] + degree[row][:, None] * head
    order = torch.empty_like(place).flatten()
    order[place.flatten()] = (heads * by_row[:, None] + head).flatten()
    found = torch.empty_like(order)
    found[place.flatten()] = (heads * columns[by_row][:, None] + head).flatten()
    ends = degree.repeat_interleave(heads).cumsum(0)
    offsets = torch.cat([ends.new_zeros(1), ends])
    return Layout(offsets, found, order, (shape[0] * heads, shape[1] * heads))


def matrix(form: Layout, values: Tensor) -> Tensor:
    """The CSR matrix with `values`, one per edge and head, in any shape of (E, H)."""
    size = max(*form.shape, len(form.columns))
    # Short indices are much faster where they suffice.
    index = torch.int32 if size < torch.iinfo(torch.int32).max else torch.int64
    return torch.sparse_csr_tensor(
        form.offsets.to(index),
        form.columns.to(index),
        values.flatten().index_select(0, form.order),
        form.shape,
        check_invariants=False,
    )


class BothWays(NamedTuple):
    """Where the sums of a graph's neighbours go, and where their gradients come from."""

    into: Layout
    back: Layout


def both_ways(edge_index: Tensor, count: int) -> BothWays:
    """edge_index: (2, E), source above target; count: the number of nodes."""
    source, target = edge_index
    shape = (count, count)
    return BothWays(layout(target, source, shape), layout(source, target, shape))


def plain_sums(values: Tensor, ways: BothWays) -> Tensor:
    """out[i] = Σ over edges (j → i) of values[j]; (N, C) → (N, C), in float32 or float64."""
    kind = torch.promote_types(values.dtype, torch.float32)
    with torch.autocast(values.device.type, enabled=False):
        total: Tensor = _PlainSums.apply(values.to(kind), ways)  # type: ignore[no-untyped-call]
    return total


def _warn_now() -> None:
    """Torch warns once per process that sparse matrices are in beta; users need not read it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        empty = torch.zeros(0, dtype=torch.int64)
        torch.sparse_csr_tensor(torch.zeros(1, dtype=torch.int64), empty, empty, (0, 0))


_warn_now()


class _NeighbourSums(Function):
    @staticmethod
    def forward(ctx: Any, weights: Tensor, values: Tensor, edges: Tensor, count: int) -> Tensor:
        nodes, heads, width = values.shape
        form = layout(edges[1], edges[0], (count, nodes), heads)
        ctx.save_for_backward(weights, values, edges, form.offsets, form.columns, form.order)
        ctx.shape = form.shape
        total = matrix(form, weights) @ values.view(-1, width)
        return total.view(count, heads, width)

    @staticmethod
    @once_only
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        weights, values, edges, offsets, columns, order = ctx.saved_tensors
        nodes, heads, width = values.shape
        gradient = gradient.contiguous()
        by_weight = by_value = None
        if ctx.needs_input_grad[0]:
            form = Layout(offsets, columns, order, ctx.shape)
            pattern = matrix(form, torch.zeros_like(weights))
            dots = torch.sparse.sampled_addmm(
                pattern, gradient.view(-1, width), values.view(-1, width).T, beta=0.0
            )
            by_weight = torch.empty_like(weights).flatten()
            by_weight[form.order] = dots.values()
            by_weight = by_weight.view_as(weights)
        if ctx.needs_input_grad[1]:
            back = layout(edges[0], edges[1], (nodes, len(gradient)), heads)
            by_value = (matrix(back, weights) @ gradient.view(-1, width)).view_as(values)
        return by_weight, by_value, None, None


class _PlainSums(Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, ways: BothWays) -> Tensor:
        ctx.back = ways.back
        return _ones(ways.into, values) @ values.contiguous()

    @staticmethod
    @once_only
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        return _ones(ctx.back, gradient) @ gradient.contiguous(), None


def _ones(form: Layout, like: Tensor) -> Tensor:
    return matrix(form, like.new_ones(len(form.columns)))
