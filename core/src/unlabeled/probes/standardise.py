"""The scaling that linear probes share."""

from __future__ import annotations

import numpy as np


def standardise(train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shift and scale each column to mean 0 and standard deviation 1 on `train`.

    train: (N, D); test: (M, D). A column that is constant but for rounding is only shifted.
    """
    mean = train.mean(0, dtype=np.float64)
    spread = train.std(0, dtype=np.float64)
    rounding = 10 * np.finfo(train.dtype).eps * np.abs(mean)
    scale = np.where(spread > rounding, spread, 1.0)
    return tuple(((part - mean) / scale).astype(train.dtype) for part in (train, test))
