"""Find values in a module that are not finite."""

from __future__ import annotations

import torch
from torch import Tensor, nn


@torch.no_grad()
def not_finite(module: nn.Module) -> list[str]:
    """Names of the parameters with NaN or infinity, and of the saved buffers with NaN or +infinity.

    Buffers of masks hold -infinity on purpose. Synchronises with the device once.
    """
    parameters = {name for name, _ in module.named_parameters(remove_duplicate=False)}
    held = {n: x.detach() for n, x in module.state_dict().items() if x.is_floating_point()}
    if not held:
        return []
    good = [_is_good(x, sign=name not in parameters) for name, x in held.items()]
    flags = torch.stack([flag.to(good[0].device) for flag in good]).tolist()
    return [name for name, flag in zip(held, flags, strict=True) if not flag]


def _is_good(x: Tensor, *, sign: bool) -> Tensor:
    # A comparison with NaN is false.
    return (x < torch.inf).all() if sign else x.isfinite().all()


def some(names: list[str]) -> str:
    """The first few, and how many more."""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
