"""Images from above have no up."""

from dataclasses import replace
from typing import ClassVar

import numpy as np

from unlabeled.contract import MovesSpace, Range
from unlabeled.settings import Settings
from unlabeled_lab.scan import Scan


class Turn(Settings, MovesSpace):
    """Turns by 0 to 3 quarters."""

    keeps: ClassVar[str] = "values"
    expects: ClassVar[Range] = Range()
    returns: ClassVar[Range] = Range()

    def __call__(self, sample: Scan, rng: np.random.Generator) -> Scan:
        return replace(sample, values=np.rot90(sample.values, int(rng.integers(4))).copy())


class Grain(Settings):
    """Adds noise to every pixel."""

    keeps: ClassVar[str] = "places"
    expects: ClassVar[Range] = Range()
    returns: ClassVar[Range] = Range()

    def __call__(self, sample: Scan, rng: np.random.Generator) -> Scan:
        noise = rng.normal(0, 0.2, sample.values.shape).astype(np.float32)
        return replace(sample, values=sample.values + noise)
