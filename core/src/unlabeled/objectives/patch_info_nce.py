"""Patch InfoNCE: match predictions to the hidden patches of a sample.

Source: Gong, Lai, Chung, Glass, SSAST, AAAI 2022, arXiv:2110.09784, equation 1.

    loss = -mean_i log( exp(c_i · x_i) / sum_j exp(c_i · x_j) )

c_i is predicted for patch i, x_j are the true patches of the same sample; neither temperature
nor normalisation. The sum over targets j is the paper's; the authors' code sums over predictions
instead, exp(c_j · x_i), which `softmax_over="predictions"` gives. Equal predictions cost log L,
so a collapsed encoder is no optimum. Smallest batch: one sample; a sample with a single patch
costs 0.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from unlabeled.contract import Loss
from unlabeled.distributed import global_mean
from unlabeled.errors import ShapeError
from unlabeled.objectives.checks import full_precision, require_floats, require_same_shape


@full_precision
def patch_info_nce_loss(
    prediction: Tensor,
    target: Tensor,
    *,
    valid: Tensor | None = None,
    softmax_over: Literal["targets", "predictions"] = "targets",
) -> Loss:
    """The mean over all valid patches of all processes.

    prediction, target: (N, L, P), the masked patches of each sample; valid: (N, L) bool, False
    for padding where samples have different numbers of patches. The part `accuracy` is the share
    of predictions whose highest score is the right target. Raises ShapeError.
    """
    if prediction.ndim != 3:
        raise ShapeError(f"prediction: expected shape (N, L, P), found {tuple(prediction.shape)}")
    require_same_shape(target, prediction, "target", "prediction")
    if valid is not None:
        require_same_shape(valid, prediction[..., 0], "valid", "the patches")
        prediction, target = (torch.where(valid[:, :, None], x, 0) for x in (prediction, target))
    require_floats(prediction, "prediction")
    require_floats(target, "target")
    scores = prediction @ target.mT
    candidates = scores if softmax_over == "targets" else scores.mT
    if valid is not None:
        scores = scores.masked_fill(~valid[:, None, :], -torch.inf)
        # A row without patches has no finite candidate, and carries no weight.
        candidates = candidates.masked_fill(~valid[:, None, :] & valid[:, :, None], -torch.inf)
    correct = candidates.log_softmax(dim=2).diagonal(dim1=1, dim2=2)
    return Loss(global_mean(-correct, valid), {"accuracy": _accuracy(scores.detach(), valid)})


def _accuracy(scores: Tensor, valid: Tensor | None) -> Tensor:
    if scores.shape[1] == 0:
        return global_mean(scores.new_zeros(0))
    right = scores.diagonal(dim1=1, dim2=2) == scores.amax(dim=2)
    return global_mean(right.to(scores.dtype), valid)
