"""Readers, augmentations and features of which each breaks one clause."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
from pydantic import Field
from unlabeled_tides.gauges import Gauges
from unlabeled_tides.waves import Waves

from unlabeled.contract import BatchAugmentation, Preview, Previews, Range
from unlabeled.data.items import Items
from unlabeled.errors import DataError
from unlabeled.pictures import png
from unlabeled.settings import Settings


class Forgetful(Gauges):
    """R1: ids depend on where the folder lies."""

    def index(self, path):
        items = super().index(path)
        columns = items.table.to_pydict()
        return Items.of({**columns, "id": columns["source"]}, items.quarantine)


class Restless(Gauges):
    """R2: reads by the global generator."""

    def read(self, item, rng=None):
        return super().read(item, rng) + np.float32(np.random.normal())


class Silent(Gauges):
    """R3: an empty folder is an empty index."""

    def index(self, path):
        try:
            return super().index(path)
        except DataError as error:
            if "all files are empty" in str(error) or not path.is_dir():
                raise
            return Items.of({"id": [], "source": [], "size": []})


class Careless(Gauges):
    """R4: a damaged file raises whatever it raises."""

    def read(self, item, rng=None):
        lines = Path(item.source).read_bytes().split()
        if any(not line.lstrip(b"-").replace(b".", b"").isdigit() for line in lines):
            raise ValueError("not a number")
        return super().read(item, rng)


class Numeric(Gauges):
    """R5: a fact that is an array."""

    def describe(self, items):
        return {"levels": np.float64(3.0) * np.ones(2)}


class Speechless(Gauges, Previews):
    """R6: shows a picture without saying of what."""

    def previews(self, item, sample):
        return [Preview(png(np.zeros((2, 2), np.uint8)), "png", "")]


class InPlace(Waves):
    """A1: changes its input."""

    def __call__(self, sample, rng):
        changed = super().__call__(sample, rng)
        sample[0] = 9.0
        return changed


class Global(Waves):
    """A2: takes its noise from the global generator."""

    def __call__(self, sample, rng):
        return sample + 0.1 * np.random.standard_normal(len(sample)).astype(np.float32)


class TooHigh(Waves):
    """A3: leaves the range it declares."""

    returns: ClassVar[Range] = Range(-0.01, 0.01, "m")


class Unsteady(Settings, BatchAugmentation):
    """A4: plans of changing length."""

    keeps: ClassVar[str] = "nothing"

    def plan(self, rng):
        return rng.random(int(rng.integers(1, 9)))

    def apply(self, batch, plans):
        return batch


class Undescribed(Waves):
    """M3: a setting that nobody explains."""

    depth: float = 1.0


class Called(Waves):
    """M3: a setting with the key by which a recipe names the component."""

    name: str = Field("", description="of the gauge")


class Ragged(Settings):
    """F1: as wide as the sample is long."""

    def __call__(self, sample):
        return sample.copy()
