"""Adam for a part of a method with optimiser steps of its own.

Source: Kingma and Ba, ICLR 2015, arXiv:1412.6980. For a policy, a discriminator, or a head that is
fitted at every step: the recipe's optimiser does not move its weights, and the state of its own
optimiser lies in buffers, so it is saved, resumed and moved between devices with the method.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from unlabeled.distributed import all_reduce_sum, world_size


class InnerAdam(nn.Module):
    """A module and its own optimiser: call it as the module, then `step` with a loss.

        self.policy = InnerAdam(nn.Linear(D, 1), lr=1e-3)
        with torch.enable_grad():
            self.policy.step(loss_of(self.policy(x)))

    - Its parameters require no gradient, so the loss of the pretext leaves them alone; only `step`
      moves them.
    - Several processes: the loss is that of the joint batch, as that of a pretext; gradients are
      averaged over processes, so all take the same step.
    """

    def __init__(
        self,
        module: nn.Module,
        lr: float,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        super().__init__()
        self.module = module.requires_grad_(False)
        self.lr, self.betas, self.eps = lr, betas, eps
        self._weights: dict[str, Tensor] = {}
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))
        for number, (_, weight) in enumerate(module.named_parameters()):
            for moment in ("mean", "square"):
                self.register_buffer(f"{moment}{number}", torch.zeros_like(weight))

    def forward(self, *arguments: Any) -> Any:
        """The output of the module; with gradients enabled, `step` can differentiate it."""
        if not torch.is_grad_enabled():
            return self.module(*arguments)
        # One set of leaves for all calls until the step, so that gradients of several add up.
        if not self._weights:
            named = self.module.named_parameters()
            self._weights = {name: p.detach().requires_grad_() for name, p in named}
        return functional_call(self.module, self._weights, arguments)

    def step(self, loss: Tensor) -> None:
        """Move the weights once, down the gradient of `loss`, (). Raises RuntimeError before the
        first call with gradients."""
        if not self._weights:
            raise RuntimeError("call the module with gradients enabled before its step")
        weights = list(self._weights.values())
        slopes = torch.autograd.grad(loss, weights, allow_unused=True, materialize_grads=True)
        self._weights = {}
        # A loss is that of the joint batch, so a local gradient is world_size times its share.
        self._move([all_reduce_sum(slope) / world_size() for slope in slopes])

    @torch.no_grad()
    def _move(self, slopes: list[Tensor]) -> None:
        self.get_buffer("steps").add_(1)
        step = int(self.get_buffer("steps"))
        for number, (weight, slope) in enumerate(
            zip(self.module.parameters(), slopes, strict=True)
        ):
            mean, square = self.get_buffer(f"mean{number}"), self.get_buffer(f"square{number}")
            mean.lerp_(slope, 1 - self.betas[0])
            square.lerp_(slope.square(), 1 - self.betas[1])
            # Both start at 0 and are too small at first.
            unbiased = mean / (1 - self.betas[0] ** step)
            spread = (square / (1 - self.betas[1] ** step)).sqrt()
            weight.sub_(self.lr * unbiased / (spread + self.eps))
