"""Waves on the water, and what a gauge looks like without learning."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from unlabeled.contract import Range
from unlabeled.settings import Settings


class Waves(Settings):
    """Adds noise to every hour."""

    height: float = Field(0.1, gt=0, description="standard deviation, in m")

    keeps: ClassVar[str] = "the number of tides a day"
    expects: ClassVar[Range] = Range(unit="m")
    returns: ClassVar[Range] = Range(unit="m")

    def __call__(self, sample: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return sample + self.height * rng.standard_normal(len(sample)).astype(np.float32)


class Level(Settings):
    """Mean and standard deviation, in m: (2,)."""

    def __call__(self, sample: np.ndarray) -> np.ndarray:
        return np.array([sample.mean(), sample.std()])
