"""Jensen-Shannon discriminator: classify pairs that belong together against others.

Source: Sun, Hoffmann, Verma, Tang, InfoGraph, ICLR 2020, arXiv:1908.01000, equation 4; Nowozin
et al., f-GAN, 2016, arXiv:1606.00709.

    loss = mean_pos softplus(-s) + mean_neg softplus(s) - 2 log 2

which is minus a lower bound of the Jensen-Shannon divergence, up to a factor. Uninformative scores
cost 0, perfect ones -2 log 2. Smallest batch: one pair of each kind on any process.
"""

from __future__ import annotations

import math

import torch.nn.functional as F
from torch import Tensor

from unlabeled.distributed import global_mean
from unlabeled.objectives.checks import full_precision, require_floats


@full_precision
def jsd_loss(positive: Tensor, negative: Tensor) -> Tensor:
    """The mean over each kind of pair of all processes, ().

    positive, negative: scores of any shape and number. Raises ShapeError.
    """
    require_floats(positive, "positive")
    require_floats(negative, "negative")
    together, apart = global_mean(F.softplus(-positive)), global_mean(F.softplus(negative))
    return together + apart - 2 * math.log(2)
