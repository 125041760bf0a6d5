"""Cross-entropy against soft targets that keeps nothing but its arguments."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch.autograd import Function


def soft_cross_entropy(logits: Tensor, target: Tensor, temperature: float) -> Tensor:
    """-sum_k target_k log softmax(logits / temperature)_k per row: (N, K), (N, K) -> (N,).

    target: not negative, need not sum to 1; gets no gradient.
    """
    result: Tensor = _SoftCrossEntropy.apply(  # type: ignore[no-untyped-call]
        logits, target, temperature
    )
    return result


class _SoftCrossEntropy(Function):
    """By hand: autograd would also keep the scaled logits and their log-softmax."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, target: Tensor, temperature: float) -> Tensor:
        scaled = logits / temperature
        peak = scaled.amax(dim=1)
        normaliser = scaled.sub_(peak[:, None]).exp_().sum(dim=1).log_().add_(peak)
        mass = target.sum(dim=1)
        ctx.save_for_backward(logits, target, normaliser, mass)
        ctx.temperature = temperature
        return mass * normaliser - (target * logits).sum(dim=1) / temperature

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        logits, target, normaliser, mass = ctx.saved_tensors
        share = (logits / ctx.temperature).sub_(normaliser[:, None]).exp_()
        share.mul_(mass[:, None]).sub_(target)
        return share.mul_((gradient / ctx.temperature)[:, None]), None, None
