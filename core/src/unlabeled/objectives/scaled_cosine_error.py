"""Scaled cosine error: reconstruct only the direction of features.

Source: Hou et al., GraphMAE, KDD 2022, arXiv:2205.10803.

    loss = mean_i (1 - cos(x_i, y_i))^γ,   γ >= 1

Values lie in [0, 2^γ]. A zero row has no direction: its cosine is 0, its loss 1 and its gradient
0; in the authors' code a prediction of exactly 0 has a gradient of 1e12 (`eps` below). It compares
with given targets, so it cannot collapse. Smallest batch: one row on any process.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from unlabeled.distributed import global_mean
from unlabeled.objectives.checks import full_precision, require_pair
from unlabeled.objectives.cosine import cosines, row_dots, unit_rows


@full_precision
def scaled_cosine_error_loss(
    prediction: Tensor,
    target: Tensor,
    *,
    gamma: float = 3.0,
    weight: Tensor | None = None,
    eps: float | None = None,
) -> Tensor:
    """The mean over all rows of all processes, ().

    prediction, target: (M, D), the masked nodes or tokens; M may be 0 on some processes.
    weight: (M,), None counts every row once; eps: a prediction is divided by this where it is
    shorter, so that one of 0 has a gradient of 1 / eps; None gives it none. Raises ShapeError.
    """
    require_pair(prediction, target, names=("prediction", "target"))
    cosine = (
        cosines(prediction, target)
        if eps is None
        else row_dots(F.normalize(prediction, eps=eps), unit_rows(target))
    )
    # Rounding may push a cosine above 1, and a fractional power of that is NaN; a power γ >= 1 has
    # a finite derivative at 0.
    return global_mean((1 - cosine).clamp(min=0) ** gamma, weight)
