"""Latent regression: predict a teacher's features of the hidden tokens.

Sources: Baevski et al., data2vec, ICML 2022, arXiv:2202.03555 (smooth L1 on
normalised teacher features); Assran et al., I-JEPA, CVPR 2023, arXiv:2301.08243
(squared error), whose released code regresses layer-normalised targets with smooth L1.

    loss = mean_i d(y_i - norm(t_i)),   t without gradient, d as in `masked_regression`

The formula alone is minimal when student and teacher are constant: what prevents collapse is the
slowly moving teacher with the predictor between them, and the normalisation of the targets,
which takes the constant target away. Smallest batch: one token on any process.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from unlabeled.objectives.masked_regression import Distance, masked_regression_loss


def latent_regression_loss(
    prediction: Tensor,
    target: Tensor,
    *,
    weight: Tensor | None = None,
    distance: Distance = "smooth_l1",
    beta: float = 1.0,
    normalise_target: bool = True,
) -> Tensor:
    """The weighted mean over all values of all processes, ().

    prediction, target: (..., D), the student's predictions and the teacher's tokens, any number
    of them; weight: (...) one per token, None counts every token once. normalise_target: layer
    norm without parameters on each target token. Raises ShapeError.
    """
    target = target.detach()
    # Normalised in float32: a half-precision layer norm of large features is dominated by rounding.
    if normalise_target:
        target = F.layer_norm(target.float() if target.itemsize < 4 else target, target.shape[-1:])
    return masked_regression_loss(prediction, target, weight=weight, distance=distance, beta=beta)
