"""Masked regression: predict the pixels, frames or features that were hidden.

Sources: He et al., MAE, CVPR 2022, arXiv:2111.06377 (squared error on masked patches,
targets normalised per patch); Liu et al., TERA, 2021, arXiv:2007.06028 (absolute error).

    loss = sum_i w_i d(y_i - x_i) / sum_i w_i

    l2: d(e) = e²,   l1: d(e) = |e|,   smooth_l1: d(e) = e²/(2β) if |e| < β, else |e| - β/2

The sums run over all values of all processes. It compares with given targets, so it cannot
collapse. Smallest batch: one token on any process.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from unlabeled.distributed import global_mean, global_ratio, world_size
from unlabeled.errors import ShapeError
from unlabeled.objectives.checks import full_precision, require_floats, require_same_shape
from unlabeled.objectives.cosine import row_dots

Distance = Literal["l1", "l2", "smooth_l1"]


@full_precision
def masked_regression_loss(
    prediction: Tensor,
    target: Tensor,
    *,
    weight: Tensor | None = None,
    distance: Distance = "l2",
    beta: float = 1.0,
    normalise_target: bool = False,
) -> Tensor:
    """The weighted mean over all values of all processes, ().

    prediction, target: (..., P), tokens of P values each, any number of them, also none.
    weight: (...) one per token (1 for masked, 0 for visible) or (..., P) one per value (0 for
    nodata); where it is 0 the target may be NaN. None counts every value once.
    normalise_target: shift and scale each token's target to mean 0 and variance 1 over those of
    its values that count. beta: where smooth_l1 turns from squared to absolute, in target units.
    Raises ShapeError.
    """
    require_same_shape(target, prediction, "target", "prediction")
    weights = None if weight is None else _value_weights(weight, prediction)
    if weights is not None:
        # Before anything is computed: 0 · NaN is NaN, also in the gradient.
        target = torch.where(weights == 0, 0, target)
    require_floats(prediction, "prediction")
    require_floats(target, "target")
    if normalise_target:
        target = normalise_tokens(target, None if weights is None else weights > 0)
    if weights is not None:
        return global_mean(_distance(prediction, target, distance, beta, "none"), weights)
    if world_size() == 1 and prediction.numel():
        return _distance(prediction, target, distance, beta, "mean")
    # A mean of means would weigh processes alike, whatever the number of their tokens.
    total = _distance(prediction, target, distance, beta, "sum")
    return global_ratio(total, prediction.numel())


def _distance(x: Tensor, y: Tensor, distance: Distance, beta: float, reduction: str) -> Tensor:
    if distance == "l1":
        return F.l1_loss(x, y, reduction=reduction)
    if distance == "l2":
        return F.mse_loss(x, y, reduction=reduction)
    return F.smooth_l1_loss(x, y, reduction=reduction, beta=beta)


def normalise_tokens(x: Tensor, counts: Tensor | None = None, eps: float = 1e-6) -> Tensor:
    """Mean 0 and unbiased variance 1 along the last axis, over the values that count.

    x: (..., P); counts: (..., P) bool, None counts all; values that do not count become 0. eps
    is added to the variance, as the authors of MAE do. A token with a single value that counts
    becomes 0.
    """
    if counts is None:
        centred = x - x.mean(dim=-1, keepdim=True)
        # Not torch.var, which takes ten times as long along the last axis.
        variance = row_dots(centred, centred) / max(x.shape[-1] - 1, 1)
        return centred * (variance + eps).rsqrt().unsqueeze(-1)
    number = counts.sum(dim=-1, keepdim=True)
    mean = torch.where(counts, x, 0).sum(dim=-1, keepdim=True) / number.clamp(min=1)
    centred = torch.where(counts, x - mean, 0)
    variance = centred.square().sum(dim=-1, keepdim=True) / (number - 1).clamp(min=1)
    return centred / (variance + eps).sqrt()


def undo_normalisation(
    x: Tensor, target: Tensor, counts: Tensor | None = None, eps: float = 1e-6
) -> Tensor:
    """The inverse of `normalise_tokens`, with mean and variance of `target`.

    x, target: (..., P); counts: (..., P) bool, None counts all.
    """
    if counts is None:
        counts = torch.ones_like(target, dtype=torch.bool)
    number = counts.sum(dim=-1, keepdim=True)
    mean = torch.where(counts, target, 0).sum(dim=-1, keepdim=True) / number.clamp(min=1)
    squares = torch.where(counts, target - mean, 0).square().sum(dim=-1, keepdim=True)
    restored: Tensor = x * (squares / (number - 1).clamp(min=1) + eps).sqrt() + mean
    return restored


def _value_weights(weight: Tensor, values: Tensor) -> Tensor:
    if weight.shape == values.shape[:-1]:
        weight = weight.unsqueeze(-1)
    elif weight.shape != values.shape:
        raise ShapeError(
            f"weight: expected {tuple(values.shape[:-1])} (per token) or {tuple(values.shape)} "
            f"(per value), found {tuple(weight.shape)}"
        )
    return weight.detach().to(values.dtype).expand_as(values)
