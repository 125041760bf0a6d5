"""Cross-entropy against soft targets that saves only its arguments for the backward pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import Function

from unlabeled.derivatives import once_only
from unlabeled.distributed import global_ratio
from unlabeled.objectives.logsumexp import LN_2, LOG2_E

TINY = 2**16
"""Up to this many numbers, calls cost more than numbers do: PyTorch's own is faster."""


def soft_cross_entropy(logits: Tensor, target: Tensor, temperature: float) -> Tensor:
    """-sum_k target_k log softmax(logits / temperature)_k per row: (N, K), (N, K) -> (N,).

    target: not negative, need not sum to 1; gets no gradient.
    """
    if logits.numel() <= TINY:
        return F.cross_entropy(logits / temperature, target, reduction="none")
    result: Tensor = _SoftCrossEntropy.apply(  # type: ignore[no-untyped-call]
        logits, target, temperature
    )
    return result


def cross_view_entropy(
    logits: Sequence[Tensor], targets: Sequence[Tensor], temperature: float
) -> Tensor:
    """The mean of `soft_cross_entropy` over pairs of a target and another view, and samples, ().

    logits: (N, K) per view; targets: (N, K) of the first of these views. Over all processes.
    """
    stacked = torch.stack(list(targets))
    together = stacked.sum(dim=0)
    pairs = len(targets) * (len(logits) - 1)
    if together.numel() <= TINY:
        wanted = together.repeat(len(logits), 1, 1)
        # Less its own target: a view is not compared with the teacher's output for the same view.
        wanted[: len(targets)] -= stacked
        scaled = torch.cat(list(logits)) / temperature
        total = F.cross_entropy(scaled, wanted.flatten(0, 1), reduction="sum")
    else:
        each = [together - target for target in targets]
        each += [together] * (len(logits) - len(targets))
        losses = [
            soft_cross_entropy(view, target, temperature).sum()
            for view, target in zip(logits, each, strict=True)
        ]
        total = torch.stack(losses).sum()
    return global_ratio(total, len(together)) / pairs


class _SoftCrossEntropy(Function):
    """By hand: autograd would also keep the scaled logits and their log-softmax."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, target: Tensor, temperature: float) -> Tensor:
        scaled = logits * (LOG2_E / temperature)
        peak = scaled.amax(dim=1)
        scaled.sub_(peak[:, None])
        # Of scores that are not positive: as two differences of large numbers they lose digits.
        below = torch.linalg.vecdot(target, scaled)
        log = scaled.exp2_().sum(dim=1).log2_()
        mass = target.sum(dim=1)
        ctx.save_for_backward(logits, target, log + peak, mass)
        ctx.temperature = temperature
        value: Tensor = (mass * log - below) * LN_2
        return value

    @staticmethod
    @once_only
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        logits, target, normaliser, mass = ctx.saved_tensors
        share = (logits * (LOG2_E / ctx.temperature)).sub_(normaliser[:, None]).exp2_()
        share.mul_(mass[:, None]).sub_(target)
        return share.mul_((gradient / ctx.temperature)[:, None]), None, None
