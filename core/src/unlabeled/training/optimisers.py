"""Optimisers, their parameter groups, and how the rate of every group follows the schedule."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Optimizer

from unlabeled import schedules
from unlabeled.errors import RecipeError
from unlabeled.training.settings import (
    AdamSettings,
    AdamWSettings,
    ConstantSettings,
    CosineSettings,
    InfiniteSettings,
    LARSSettings,
    OptimiserSettings,
    ScheduleSettings,
    SGDSettings,
)


class LARS(Optimizer):
    """Layer-wise adaptive rates: v = momentum · v + q (g + wd · w), w = w - lr · v.

    q = trust · |w| / |g + wd · w|, and 1 where one of the norms is 0 or the group says
    `adapt=False` (biases and norms). Source: You et al. 2017, arXiv:1708.03888; the norm of the
    whole update in the denominator, not |g| + wd · |w|, is what the reference optimiser of Barlow
    Twins does.
    """

    def __init__(
        self,
        params: Iterable[dict[str, Any]],
        lr: float,
        *,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        trust: float = 0.001,
    ) -> None:
        defaults = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay, "trust": trust}
        super().__init__(params, {**defaults, "adapt": True})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """One update of every parameter that has a gradient."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    self._update(weight, group)
        return loss

    def _update(self, weight: Tensor, group: dict[str, Any]) -> None:
        update = weight.grad
        assert update is not None
        # Decay before the trust ratio, as in the authors' code: the ratio is that of the whole
        # update.
        if group["weight_decay"]:
            update = update.add(weight, alpha=group["weight_decay"])
        if group["adapt"]:
            update = update * _trust(weight, update, group["trust"])
        state = self.state[weight]
        if "velocity" not in state:
            state["velocity"] = torch.zeros_like(weight)
        state["velocity"].mul_(group["momentum"]).add_(update)
        weight.add_(state["velocity"], alpha=-group["lr"])


def _trust(weight: Tensor, update: Tensor, trust: float) -> Tensor:
    size, change = weight.norm(), update.norm()
    ratio = trust * size / change
    # Not a branch: reading a norm would synchronise with the device for every parameter.
    return torch.where((size > 0) & (change > 0), ratio, torch.ones_like(ratio))


def parameter_groups(module: nn.Module) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """(weights, biases and norms) that learn, each in the order of `named_parameters`.

    The second kind is decayed by Adam only and not adapted by LARS: everything with at most one
    axis, and all parameters of layer norms.
    """
    norms = {
        id(parameter)
        for layer in module.modules()
        if isinstance(layer, nn.LayerNorm)
        for parameter in layer.parameters(recurse=False)
    }
    weights: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for parameter in module.parameters():
        if parameter.requires_grad:
            # By layer as well as by axes: the weight of a layer norm over several axes has more
            # than one.
            plain = parameter.ndim > 1 and id(parameter) not in norms
            (weights if plain else others).append(parameter)
    return weights, others


def build_optimiser(settings: OptimiserSettings, module: nn.Module) -> Optimizer:
    """The optimiser of a recipe. Every group remembers its peak rate as `peak`."""
    weights, others = parameter_groups(module)
    lr_others = settings.lr_biases if isinstance(settings, LARSSettings) else settings.lr
    groups: list[dict[str, Any]] = [
        {"params": weights, "lr": settings.lr, "peak": settings.lr},
        # Only LARS reads `adapt`.
        {
            "params": others,
            "lr": lr_others,
            "peak": lr_others,
            "weight_decay": settings.weight_decay if settings.name == "adam" else 0.0,
            "adapt": False,
        },
    ]
    groups = [group for group in groups if group["params"]]
    decay = settings.weight_decay
    match settings:
        case AdamWSettings():
            return AdamW(groups, lr=settings.lr, betas=settings.betas, weight_decay=decay)
        case AdamSettings():
            return Adam(groups, lr=settings.lr, betas=settings.betas, weight_decay=decay)
        case SGDSettings():
            return SGD(groups, lr=settings.lr, momentum=settings.momentum, weight_decay=decay)
        case LARSSettings():
            return LARS(
                groups,
                settings.lr,
                momentum=settings.momentum,
                weight_decay=decay,
                trust=settings.trust,
            )


def build_schedule(
    settings: ScheduleSettings, total: int, *, continued: bool = False
) -> Callable[[int], float]:
    """The multiplier of every group's peak rate, by step from 0 to total - 1.

    continued: the run goes on from another one in the constant phase (infinite only).
    Raises RecipeError if the phases are longer than the run.
    """
    warm = round(settings.warm_up * total)
    match settings:
        case CosineSettings():
            return lambda step: schedules.cosine(step, total, warm, settings.final)
        case ConstantSettings():
            return lambda step: schedules.warm_up(step, warm)
        case InfiniteSettings():
            return _infinite(settings, total, continued=continued)


def anneal_start(settings: ScheduleSettings, total: int) -> int | None:
    """The step at which the infinite schedule starts to anneal; None if it never does."""
    if isinstance(settings, InfiniteSettings) and settings.anneal:
        return total - round(settings.anneal * total)
    return None


def _infinite(settings: InfiniteSettings, total: int, *, continued: bool) -> Callable[[int], float]:
    warm = 0 if continued else round(settings.warm_up * total)
    cooled = 0 if continued else warm + round(settings.cool_down * total)
    anneal = total - round(settings.anneal * total)
    if cooled > anneal:
        raise RecipeError(
            "training.schedule: warm_up, cool_down and anneal are shares of all steps and sum to "
            f"{settings.warm_up + settings.cool_down + settings.anneal:g}; expected at most 1."
        )
    return lambda step: schedules.infinite(
        step,
        warm=warm,
        cooled=cooled,
        anneal=anneal,
        total=total,
        constant=settings.constant,
        final=settings.final,
    )


def set_rates(optimiser: Optimizer, multiplier: float) -> None:
    """Set the rate of every group to this multiple of its peak."""
    for group in optimiser.param_groups:
        group["lr"] = group["peak"] * multiplier
