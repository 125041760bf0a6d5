"""Node dropping: remove some nodes and their edges.

Source: You et al., NeurIPS 2020, arXiv:2010.13902 (GraphCL), section 3.1.
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


class DropNodes(Settings):
    """⌊ratio · nodes⌋ nodes are removed, at least one stays; the others are renumbered in their
    order."""

    keeps: ClassVar[str] = "the features of the nodes that stay, and the edges between them"
    expects: ClassVar[Range] = Range()
    returns: ClassVar[Range] = Range()

    ratio: float = Field(0.2, ge=0, lt=1, description="share of the nodes that are removed")

    def __call__(self, sample: Data, rng: np.random.Generator) -> Data:
        count = len(sample.x)
        gone = rng.permutation(count)[: int(self.ratio * count)]
        stays = torch.ones(count, dtype=torch.bool).index_fill(0, torch.from_numpy(gone), False)
        inside = stays[sample.edge_index].all(dim=0)
        changed = copy(sample)
        changed.x = sample.x[stays]
        changed.edge_index = (stays.cumsum(0) - 1)[sample.edge_index[:, inside]]
        if sample.edge_attr is not None:
            changed.edge_attr = sample.edge_attr[inside]
        return changed
