"""Images that know where their windows lie, and masks of them."""

from dataclasses import dataclass

import numpy as np

from unlabeled.contract import DenseTarget


@dataclass(frozen=True)
class Scan:
    """values: (H, W) float32; corner: row and column in the whole image."""

    values: np.ndarray
    corner: tuple[int, int]


@dataclass(frozen=True)
class Mask(Scan, DenseTarget):
    """1 inside of a cell, 0 outside."""

    def classes(self) -> np.ndarray:
        return self.values.astype(np.int64)
