"""Random brightness, contrast and gamma, as of another scanner."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import numpy as np
from pydantic import Field

from unlabeled.contract import Range
from unlabeled.settings import Settings
from unlabeled_medical.volume import Volume


class Intensity(Settings):
    """gain · x + offset, after a power of the values' place between their lowest and highest.

    Each channel is changed on its own; one that is missing stays zero.
    """

    keeps: ClassVar[str] = "places, and within a channel the order of intensities"
    expects: ClassVar[Range] = Range(unit="standardised")
    returns: ClassVar[Range] = Range(unit="standardised")

    gain: float = Field(0.3, ge=0, lt=1, description="largest relative change of contrast")
    offset: float = Field(0.3, ge=0, description="largest change of brightness")
    gamma: float = Field(0.3, ge=0, description="largest |logarithm| of the power")

    def __call__(self, sample: Volume, rng: np.random.Generator) -> Volume:
        values = sample.values.clone()
        for channel, present in zip(values, sample.present, strict=True):
            gain = rng.uniform(1 - self.gain, 1 + self.gain)
            offset = rng.uniform(-self.offset, self.offset)
            power = float(np.exp(rng.uniform(-self.gamma, self.gamma)))
            if not present:
                continue
            low, high = channel.min(), channel.max()
            span = (high - low).clamp(min=1e-6)
            place = ((channel - low) / span).clamp(0, 1) ** power
            channel.copy_((low + span * place) * gain + offset)
        return replace(sample, values=values)
