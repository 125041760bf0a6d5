"""Baseline: what an encoder is shown beside."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from unlabeled.contract.samples import Sample


class Baseline(Protocol):
    """A simple hand-made description of a sample: the baseline an encoder is shown beside."""

    def __call__(self, sample: Sample) -> np.ndarray:
        """(D,) float, D the same for every sample; NaN where a value is undefined. Features of
        nodes, for labels of nodes: (M, D), a row per node; they are averaged for whole items."""
