"""Hand-written backward passes give first derivatives only, and refuse second ones."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function


def once_only(backward: Callable[..., Any]) -> Callable[..., Any]:
    """For the `backward` of a `Function`: a second derivative raises RuntimeError.

    `torch.autograd.function.once_differentiable` checks only the incoming gradient: if that is
    constant, as for a mean, it silently gives a second derivative of 0.
    """

    @wraps(backward)
    def once(ctx: Any, *gradients: Any) -> Any:
        again = torch.is_grad_enabled()  # by create_graph=True
        with torch.no_grad():
            found = backward(ctx, *gradients)
        if not again:
            return found
        if isinstance(found, tuple):
            return tuple(map(_refusing, found))
        return _refusing(found)

    return once


def _refusing(x: Tensor | None) -> Tensor | None:
    if x is None:
        return None
    refusing: Tensor = _Refusing.apply(x.detach().requires_grad_())  # type: ignore[no-untyped-call]
    return refusing


class _Refusing(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:  # noqa: ARG004
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # noqa: ARG004
        raise RuntimeError(
            "expected first derivatives only, found a second one of a function whose backward "
            "pass is written by hand; write the term with plain torch operations"
        )
