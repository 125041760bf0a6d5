"""Images of cells, by windows, and their masks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from pydantic import Field

from unlabeled.contract import ReadsTargets
from unlabeled.data.items import Item
from unlabeled_lab.readers.npz import Npz
from unlabeled_lab.scan import Mask, Scan


class Scans(Npz, ReadsTargets):
    """Reads `*.npz` with an image below a folder."""

    exclude: tuple[str, ...] = Field(("masks/*",), description="globs of files to leave out")
    window: int = Field(12, ge=4, description="side of the window drawn in training, in pixels")

    def read(self, item: Item, rng: np.random.Generator | None = None) -> Scan:
        image = super().read(item)["image"]
        if rng is None:
            return Scan(image, (0, 0))
        row, column = (int(rng.integers(length - self.window + 1)) for length in image.shape)
        return Scan(_cut(image, row, column, self.window, self.window), (row, column))

    def read_target(self, item: Item, value: Path, like: Scan) -> Mask:
        whole = super().read(replace(item, source=str(value)))["mask"]
        return Mask(_cut(whole, *like.corner, *like.values.shape), like.corner)


def _cut(image: np.ndarray, row: int, column: int, height: int, width: int) -> np.ndarray:
    return image[row : row + height, column : column + width].astype(np.float32)
