"""Feature masking: some columns of the node features become 0 in the whole graph.

Source: Zhu et al. 2020, arXiv:2006.04131 (GRACE), section 3.2.2.
"""

from __future__ import annotations

from copy import copy
from typing import ClassVar

import numpy as np
import torch
from pydantic import Field
from torch_geometric.data import Data

from unlabeled.contract import Range
from unlabeled.settings import Settings


class MaskFeatures(Settings):
    """Each column is masked with probability `ratio`."""

    keeps: ClassVar[str] = "the nodes and the edges"
    expects: ClassVar[Range] = Range()
    returns: ClassVar[Range] = Range()

    ratio: float = Field(0.2, ge=0, lt=1, description="probability that a column becomes 0")

    def __call__(self, sample: Data, rng: np.random.Generator) -> Data:
        stays = torch.from_numpy(rng.random(sample.x.shape[1]) >= self.ratio)
        changed = copy(sample)
        changed.x = sample.x * stays.to(sample.x.dtype)
        return changed
