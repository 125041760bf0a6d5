"""The node features themselves, which any encoder of nodes must beat."""

from __future__ import annotations

import numpy as np
from torch_geometric.data import Data

from unlabeled.settings import Settings


class NodeFeatures(Settings):
    """The rows of x; averaged for labels of whole graphs."""

    def __call__(self, sample: Data) -> np.ndarray:
        """(N, F)."""
        rows: np.ndarray = sample.x.numpy()
        return rows
