"""Statistics of degrees, the simplest description without node features."""

from __future__ import annotations

import numpy as np
import torch
from torch_geometric.data import Data

from unlabeled.settings import Settings

CAP = 10
"""Degrees from here on share one bin."""


class Degrees(Settings):
    """Nodes, edges, density, and the mean, spread, maximum and histogram of the degrees."""

    def __call__(self, sample: Data) -> np.ndarray:
        """(6 + CAP + 1,): directed edges are counted at their target; the histogram is shares."""
        count, edges = len(sample.x), sample.edge_index.shape[1]
        degree = torch.bincount(sample.edge_index[1], minlength=count).numpy()
        density = edges / max(count * (count - 1), 1)
        summary = [count, edges, density, degree.mean(), degree.std(), degree.max()]
        shares = np.bincount(degree.clip(max=CAP), minlength=CAP + 1) / count
        return np.concatenate([summary, shares])
