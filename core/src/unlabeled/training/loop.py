"""The loop: every method trains through these lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import cast

from lightning_fabric import Fabric
from lightning_fabric.wrappers import _FabricModule, _FabricOptimizer
from torch import Tensor
from torch.distributed.tensor import DTensor
from torch.nn.utils import clip_grads_with_norm_, get_total_norm

from unlabeled.contract import Batch, Loss, Pretext
from unlabeled.distributed import alone
from unlabeled.training.accumulation import accumulated
from unlabeled.training.optimisers import set_rates

AfterStep = Callable[[int, Loss, Tensor | None], bool]
"""(steps done, loss of the step, norm of its gradient) -> whether to stop here."""


@dataclass(frozen=True, slots=True)
class Trainer:
    """The parts of a training step.

    rate: the multiple of the peak learning rate, by step from 0; replicated: every process has the
    whole joint batch.
    """

    fabric: Fabric
    module: _FabricModule
    optimiser: _FabricOptimizer
    rate: Callable[[int], float]
    total_steps: int
    accumulate: int = 1
    clip: float | None = None
    replicated: bool = False

    @property
    def pretext(self) -> Pretext:
        """The method itself, without Fabric's wrapper."""
        return cast(Pretext, self.module.module)

    def fit(
        self, batches: Iterator[Batch], start: int = 0, after_step: AfterStep | None = None
    ) -> int:
        """Train from step `start`; returns the number of steps done at the end or at a stop."""
        self.module.train()
        for step in range(start, self.total_steps):
            loss, norm = self.step(step, batches, measure=after_step is not None)
            if after_step is not None and after_step(step + 1, loss, norm):
                return step + 1
        return self.total_steps

    def step(
        self, step: int, batches: Iterator[Batch], *, measure: bool
    ) -> tuple[Loss, Tensor | None]:
        """One optimiser step, and what follows it: the teacher moves, the objective updates.

        Returns the loss and the gradient's norm, (), None where it is not measured.
        """
        set_rates(self.optimiser.optimizer, self.rate(step))
        if self.accumulate == 1:
            loss = self._backward(next(batches))
        else:
            around = alone if self.replicated else nullcontext
            module, fabric = self.module, self.fabric
            loss = accumulated(fabric, module, batches, self.accumulate, around)
        norm = self._clip() if measure or self.clip is not None else None
        self.optimiser.step()
        self.optimiser.zero_grad()
        with alone() if self.replicated else nullcontext():
            self.pretext.after_step(step, self.total_steps)
        return loss, norm

    def _backward(self, batch: Batch) -> Loss:
        with alone() if self.replicated else nullcontext():
            loss: Loss = self.module(batch)
            self.fabric.backward(loss.total)
        return loss

    def _clip(self) -> Tensor:
        """The norm of the gradient, before it is clipped."""
        optimiser = self.optimiser.optimizer
        self.fabric.strategy.precision.unscale_gradients(optimiser)
        groups = optimiser.param_groups
        learning = [p for group in groups for p in group["params"] if p.grad is not None]
        norm = get_total_norm([p.grad for p in learning])
        if isinstance(norm, DTensor):  # of sharded parameters
            norm = norm.full_tensor()
        if self.clip is not None:
            clip_grads_with_norm_(learning, self.clip, norm)
        return norm
