"""Band jitter: random brightness and contrast of each band."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from unlabeled.contract import Range
from unlabeled.settings import Settings
from unlabeled_remote_sensing.raster import Layer, Raster


class BandJitter(Settings):
    """x → mean + gain · (x - mean) + shift · std, with the window's own mean and std per band.

    Relative to the spread of each band, so it has the same meaning for dB and for reflectance.
    """

    keeps: ClassVar[str] = "shapes, sensors' alignment, which pixels are valid"
    expects: ClassVar[Range] = Range()
    returns: ClassVar[Range] = Range()

    gain: float = Field(0.1, ge=0, lt=1, description="largest relative change of contrast")
    shift: float = Field(0.1, ge=0, description="largest change of brightness, in std")

    def __call__(self, sample: Raster, rng: np.random.Generator) -> Raster:
        plans = {
            name: rng.uniform(-1, 1, (2, len(layer.values)))
            for name, layer in sample.layers.items()
        }
        return sample.with_values(
            lambda name, values: self._jittered(sample.layers[name], values, *plans[name])
        )

    def _jittered(
        self, layer: Layer, values: np.ndarray, gain: np.ndarray, shift: np.ndarray
    ) -> np.ndarray:
        pixels = values[:, layer.valid]
        if pixels.size == 0:
            return values
        mean, std = (x[:, None, None] for x in (pixels.mean(axis=1), pixels.std(axis=1)))
        factor = (1 + self.gain * gain)[:, None, None]
        changed = mean + factor * (values - mean) + self.shift * shift[:, None, None] * std
        return np.asarray(changed, dtype=values.dtype)
