"""Token cross-entropy: predict the hidden token of a vocabulary.

Source: Devlin et al., BERT, NAACL 2019, arXiv:1810.04805, section 3.1, task 1.

    loss = - sum_i log softmax(x_i)[y_i] / (number of tokens)

Uniform scores of V tokens cost log V, the best ones 0. The sum runs over the hidden tokens of all
processes. Smallest batch: one token on any process.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from unlabeled.distributed import global_mean
from unlabeled.errors import ShapeError
from unlabeled.objectives.checks import full_precision, require_floats


@full_precision
def token_cross_entropy_loss(scores: Tensor, target: Tensor) -> Tensor:
    """The mean over all tokens of all processes, ().

    scores: (M, V), not normalised; target: (M,) int64 below V; M may be 0 on some processes.
    Raises ShapeError.
    """
    require_floats(scores, "scores")
    if scores.ndim != 2:
        raise ShapeError(f"scores: expected shape (M, V), found {tuple(scores.shape)}")
    if target.shape != scores.shape[:1] or target.is_floating_point():
        raise ShapeError(
            f"target: expected the shape of scores without V, ({len(scores)},), of integers; found "
            f"{tuple(target.shape)} of {target.dtype}"
        )
    return global_mean(F.cross_entropy(scores, target, reduction="none"))
