"""Projectors and predictors: small multi-layer perceptrons on embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Norm = Literal["batch", "layer", "none"]


def mlp(
    widths: Sequence[int],
    *,
    norm: Norm = "batch",
    last_norm: bool = False,
    last_bias: bool = True,
    activation: type[nn.Module] = nn.ReLU,
) -> nn.Sequential:
    """Linear, norm, activation, ..., Linear: (..., widths[0]) -> (..., widths[-1]).

    widths: input, hidden and output sizes; one width alone is the identity. A linear layer has a
    bias exactly where no norm follows it; last_bias=False drops that of the last one too (the
    projectors of Barlow Twins and VICReg). last_norm: also normalise the output (SimSiam), with
    no scale and no shift of its own.
    """
    layers: list[nn.Module] = []
    hidden = list(pairwise(widths))
    for index, (width, out) in enumerate(hidden):
        last = index == len(hidden) - 1
        normalised = norm != "none" and (not last or last_norm)
        layers.append(nn.Linear(width, out, bias=not normalised and (not last or last_bias)))
        if normalised:
            layers.append(_norm(norm, out, affine=not last))
        if not last:
            layers.append(activation())
    return nn.Sequential(*layers)


def _norm(norm: Norm, width: int, *, affine: bool) -> nn.Module:
    if norm == "batch":
        return nn.BatchNorm1d(width, affine=affine)
    return nn.LayerNorm(width, elementwise_affine=affine)


class Prototypes(nn.Module):
    """Cosines of (..., D) with K trained directions: (..., K), in [-1, 1]."""

    def __init__(self, width: int, count: int) -> None:
        super().__init__()
        self.directions = nn.Parameter(torch.randn(count, width))

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(F.normalize(x, dim=-1), F.normalize(self.directions, dim=-1))
