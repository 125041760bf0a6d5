"""Gauge files: one level in m per line, one line an hour."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from unlabeled.data.items import Item, Items, Quarantined
from unlabeled.errors import DataError, UnreadableItem
from unlabeled.settings import Settings


class Gauges(Settings):
    """Reads `*.txt` below a folder."""

    hours: int = Field(24, gt=1, description="window drawn from a gauge while training, in hours")

    def index(self, path: Path) -> Items:
        files = sorted(path.rglob("*.txt"))
        if not files:
            raise DataError(f"{path}: expected a folder with gauge files (*.txt), found none.")
        usable = [file for file in files if file.stat().st_size]
        empty = [Quarantined(str(f), "levels", "an empty file") for f in set(files) - set(usable)]
        if not usable:
            raise DataError(f"{path}: all files are empty: {', '.join(f.name for f in files)}.")
        return Items.of(
            {
                "id": [file.relative_to(path).as_posix() for file in usable],
                "source": [str(file) for file in usable],
                "size": [file.stat().st_size for file in usable],
            },
            quarantine=empty,
        )

    def read(self, item: Item, rng: np.random.Generator | None = None) -> np.ndarray:
        """(T,) float32, in m."""
        try:
            level = np.loadtxt(item.source, dtype=np.float32, ndmin=1)
        except (OSError, ValueError) as error:
            raise UnreadableItem(item.source, "one level in m per line", str(error)) from error
        if rng is None or len(level) <= self.hours:
            return level
        start = int(rng.integers(len(level) - self.hours))
        return level[start : start + self.hours]

    def describe(self, items: Items) -> Mapping[str, Any]:
        return {}
