"""The augmentation: changes one sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from unlabeled.contract.samples import Sample


@dataclass(frozen=True, slots=True)
class Range:
    """The values a sample may hold; None is unbounded. unit: "full scale", "dB", "HU" …"""

    low: float | None = None
    high: float | None = None
    unit: str = ""


class Augmentation(Protocol):
    """Changes one sample. A `Settings` model; its class attributes declare what it promises."""

    keeps: ClassVar[str]
    """What stays the same, in words: "the class of the sound", "the number of nodes" …"""
    expects: ClassVar[Range]
    returns: ClassVar[Range]

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """Return a changed copy and leave `sample` unchanged. All randomness comes from `rng`."""
