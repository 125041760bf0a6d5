"""Binary cross-entropy discriminator: classify true against corrupted pairs.

Source: Veličković et al., Deep Graph Infomax, ICLR 2019, arXiv:1809.10341, equation 1.

    loss = ( sum_pos softplus(-s) + sum_neg softplus(s) ) / (number of pairs)

Uninformative scores cost log 2, perfect ones 0. Smallest batch: one pair of
each kind on any process.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from unlabeled.distributed import global_mean
from unlabeled.objectives.checks import full_precision, require_floats


@full_precision
def bce_loss(positive: Tensor, negative: Tensor) -> Tensor:
    """The mean over all pairs of all processes, ().

    positive, negative: scores of any shape and number. Raises ShapeError.
    """
    require_floats(positive, "positive")
    require_floats(negative, "negative")
    return global_mean(F.softplus(torch.cat([-positive.flatten(), negative.flatten()])))
