"""The energy of a D × D cross-product matrix without the matrix, for more columns than rows."""

from __future__ import annotations

from typing import Any

import torch.distributed as dist
from torch import Tensor
from torch.autograd import Function

from unlabeled.derivatives import once_only
from unlabeled.distributed import all_reduce_sum, gather_rows, world_size


def cross_energy(a: Tensor, b: Tensor, count: int) -> Tensor:
    """The sum of all squared entries of aᵀ b over the joint batch, ().

    a, b: (N, D) rows of this process, also one and the same tensor; count: rows of the joint
    batch. With few rows it is computed as sum (a aᵀ) ∘ (b bᵀ), which costs count² D instead of
    count D² and keeps count² numbers instead of D². Each process computes its rows' share.
    """
    if gram_is_cheaper(count, a.shape[1]):
        energy: Tensor = _GramEnergy.apply(a, b)  # type: ignore[no-untyped-call]
        return energy
    return all_reduce_sum(a.T @ b).square().sum()


def gram_is_cheaper(count: int, width: int) -> bool:
    """Four products of count² D (forward and backward) against three of count D²."""
    return 4 * count <= 3 * width


class _GramEnergy(Function):
    """By hand, because autograd does not know that Gram matrices are symmetric."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor) -> Tensor:
        all_a, all_b = gather_rows(a), gather_rows(b)
        gram_a = a @ all_a.T
        gram_b = gram_a if a is b else b @ all_b.T
        ctx.save_for_backward(all_a, all_b, gram_a, gram_b)
        ctx.same = a is b
        # Row by row, as one long float32 sum loses digits.
        energy = (gram_a * gram_b).sum(dim=1).sum()
        return all_reduce_sum(energy)

    @staticmethod
    @once_only
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor | None]:
        all_a, all_b, gram_a, gram_b = ctx.saved_tensors
        if world_size() > 1:
            # The adjoint of a sum over ranks is a sum over ranks; what remains is local.
            gradient = gradient.clone()
            dist.all_reduce(gradient)
        if ctx.same:
            return (gram_a @ all_a).mul_(4 * gradient), None
        return (gram_b @ all_a).mul_(2 * gradient), (gram_a @ all_b).mul_(2 * gradient)
