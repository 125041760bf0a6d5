"""Gradient accumulation: several batches for one optimiser step, equal to the step of one large
batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import cast

import torch
from lightning_fabric import Fabric
from lightning_fabric.wrappers import _FabricModule
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm

from unlabeled.contract import Batch, Loss, Pretext
from unlabeled.distributed import all_reduce_sum
from unlabeled.errors import RecipeError
from unlabeled.training.settings import TrainingSettings

Around = Callable[[], AbstractContextManager[None]]


def accumulated(
    fabric: Fabric, module: _FabricModule, batches: Iterator[Batch], times: int, around: Around
) -> Loss:
    """The loss of `times` batches as one large batch; the gradient is in the parameters.

    Each batch is weighted by the number of values in its mean, which is known only after its
    backward pass: gradients are weighted relative to the first batch and divided at the end. Raises
    RecipeError if the loss cannot be accumulated.
    """
    losses: list[Loss] = []
    counts: list[Tensor] = []
    for index in range(times):
        last = index == times - 1
        unshared = nullcontext() if last else fabric.no_backward_sync(module)
        with unshared, around():
            loss: Loss = module(next(batches))
            require_mean(cast(Pretext, module.module), loss)
            counts.append(_count(loss))
            fabric.backward(loss.total * (counts[-1] / counts[0].clamp(min=1)))
        losses.append(loss)
    weights = torch.stack(counts)
    _scale(module, counts[0].clamp(min=1) / weights.sum().clamp(min=1))
    return _mean(losses, weights / weights.sum().clamp(min=1))


def require_mean(pretext: Pretext, loss: Loss) -> None:
    """Raises RecipeError, naming the method, if the loss of a batch is not a mean over its
    values."""
    objective = getattr(pretext, "objective", None)
    name = type(pretext).__name__ + (f" with {type(objective).__name__}" if objective else "")
    if loss.count is None:
        raise RecipeError(
            f"training.accumulate: expected 1 for {name}, whose loss looks at all samples of a "
            "batch together, or has terms that count differently: several batches are not one. "
            "Set it to 1 and raise training.batch_size."
        )
    norms = [n for n, part in pretext.named_modules() if isinstance(part, _BatchNorm)]
    if norms:
        raise RecipeError(
            f"training.accumulate: expected 1 for {name}, as {norms[0]} normalises over each batch "
            "by itself: several batches are not one. Set it to 1, or choose a norm of layers."
        )


def steps_of(settings: TrainingSettings, batches_per_epoch: int) -> tuple[int, str]:
    """The number of optimiser steps of a run, and a note if batches are left over.

    Raises RecipeError if the epochs have too few batches for one step.
    """
    if settings.epochs is None:
        assert settings.steps is not None
        return settings.steps, ""
    batches, times = settings.epochs * batches_per_epoch, settings.accumulate
    if batches < times:
        raise RecipeError(
            f"training.accumulate: expected at most {batches}, the batches of {settings.epochs} "
            f"epochs, found {times}. Lower it or training.batch_size, or raise training.epochs."
        )
    left = batches % times
    note = (
        f"{left} of {batches} batches are left out: a step takes {times}, and they fill none"
        if left
        else ""
    )
    return batches // times, note


def _count(loss: Loss) -> Tensor:
    count = torch.as_tensor(loss.count, dtype=loss.total.dtype, device=loss.total.device)
    return all_reduce_sum(count.detach())


def _scale(module: torch.nn.Module, factor: Tensor) -> None:
    gradients = [p.grad for p in module.parameters() if p.grad is not None]
    torch._foreach_mul_(gradients, factor)


def _mean(losses: list[Loss], weights: Tensor) -> Loss:
    def mean(values: list[Tensor]) -> Tensor:
        return torch.dot(
            torch.stack([value.detach().to(weights.dtype) for value in values]), weights
        )

    # A batch without any data has fewer terms, and no weight.
    zero = losses[0].total.new_zeros(())
    names = dict.fromkeys(name for loss in losses for name in loss.parts)
    parts = {name: mean([loss.parts.get(name, zero) for loss in losses]) for name in names}
    return Loss(mean([loss.total for loss in losses]), parts)
