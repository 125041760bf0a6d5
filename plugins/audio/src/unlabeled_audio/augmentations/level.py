"""Relative loudness of two sounds."""

from __future__ import annotations

import torch
from torch import Tensor


def power(values: Tensor, samples: Tensor | int) -> Tensor:
    """Mean square over `samples` samples, zeros behind them: (..., T) -> (..., 1)."""
    return values.square().sum(dim=-1, keepdim=True) / samples


def gain_for_snr(signal: Tensor, other: Tensor, snr_db: Tensor | float) -> Tensor:
    """The factor for `other` that puts it `snr_db` below a signal: powers in, any shape.

    0 where one of them is silent: there is no such factor.
    """
    ratio = signal / other.clamp(min=torch.finfo(other.dtype).tiny)
    factor = (ratio * 10 ** (-torch.as_tensor(snr_db) / 10)).sqrt()
    return torch.where((other > 0) & torch.isfinite(factor), factor, 0)
