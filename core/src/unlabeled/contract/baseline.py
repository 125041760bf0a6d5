"""The baseline: a hand-made description to compare an encoder with."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from unlabeled.contract.samples import Sample


class Baseline(Protocol):
    """A simple hand-made description of a sample, to compare an encoder with."""

    def __call__(self, sample: Sample) -> np.ndarray:
        """(D,) float, D the same for every sample; NaN where a value is undefined. For graphs (M,
        D), a row per node; rows are averaged for labels of whole items."""
