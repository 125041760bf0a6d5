"""Node masking: some nodes lose all their features and keep their edges.

Source: You et al. 2020, arXiv:2010.13902 (GraphCL), table 1, "attribute masking".
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


class MaskNodes(Settings):
    """The features of each node become 0 with probability `ratio`."""

    keeps: ClassVar[str] = "the number of nodes and the edges"
    expects: ClassVar[Range] = Range()
    returns: ClassVar[Range] = Range()

    ratio: float = Field(0.2, ge=0, lt=1, description="probability that a node loses its features")

    def __call__(self, sample: Data, rng: np.random.Generator) -> Data:
        stays = torch.from_numpy(rng.random(len(sample.x)) >= self.ratio)
        changed = copy(sample)
        changed.x = sample.x * stays.to(sample.x.dtype).unsqueeze(1)
        return changed
