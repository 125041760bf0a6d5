"""The scale of a volume, and normalised voxels.

`robust` clips each volume at its own percentiles and standardises it. A masked organ, a lesion map
or a few bright vessels may hold less than the upper half per cent of their volume: where one value
fills almost all of it, the percentiles are those of the other voxels, and both kinds of voxels have
equal weight in mean and spread, so background is near -1 and the rest near +1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from unlabeled_medical.readers.header import Stored

Intensity = Literal["robust", "hounsfield", "over_frames", "stored"]
SAMPLED = 32_768
"""About how many voxels the scale of a volume is estimated from."""
PERCENTILES = (0.5, 99.5)
BACKGROUND = 0.9
"""Share of a volume filled by one value from which percentiles come from the other voxels."""
AIR = -1000.0
"""Hounsfield units; the values of CT outside of the field of view are lower (-1024, -3024 …)."""
LOWEST_CT, HIGHEST_CT = -4096.0, 32_767.0
LOOKS_LIKE_AIR = -900.0


@dataclass(frozen=True, slots=True)
class Scale:
    """The statistics for `robust`: the clipping range, and mean and spread after clipping.

    spread: 0 if all voxels have one value.
    """

    low: float
    high: float
    mean: float
    spread: float

    @property
    def like_ct(self) -> bool:
        """Whether the range is that of Hounsfield units with air in it."""
        return LOWEST_CT <= self.low <= LOOKS_LIKE_AIR and -200 <= self.high <= HIGHEST_CT


def measure_scale(stored: Stored, frame: int) -> Scale | None:
    """The scale of one frame, from evenly spaced voxels; None if none is finite."""
    step = max(int(np.ceil((stored.values[..., 0].size / SAMPLED) ** (1 / 3))), 1)
    sampled = _finite(stored.true(stored.values[::step, ::step, ::step, frame]))
    if not sampled.size:
        sampled = _all_but(stored, frame, np.nan)
        if not sampled.size:
            return None
    values, counts = np.unique(sampled, return_counts=True)
    if counts.max() >= BACKGROUND * sampled.size:
        return _sparse(stored, frame, float(values[counts.argmax()]))
    low, high = np.percentile(sampled, PERCENTILES)
    clipped = sampled.clip(low, high)
    return Scale(float(low), float(high), float(clipped.mean()), float(clipped.std()))


def _sparse(stored: Stored, frame: int, background: float) -> Scale:
    """The range of the few voxels that differ, all of which are looked at, and the background."""
    others = _all_but(stored, frame, background)
    if not others.size:
        return Scale(background, background, background, 0.0)
    low, high = np.percentile(others, PERCENTILES)
    clipped = others.clip(low, high)
    mean = (background + clipped.mean()) / 2
    spread = np.sqrt(clipped.var() / 2 + np.square(clipped.mean() - background) / 4)
    low, high = min(float(low), background), max(float(high), background)
    return Scale(low, high, float(mean), float(spread))


def _all_but(stored: Stored, frame: int, background: float) -> np.ndarray:
    """The finite voxels with another value; slice by slice, so that no second volume is held."""
    found = []
    for place in range(stored.values.shape[2]):
        values = _finite(stored.true(stored.values[:, :, place, frame]))
        found.append(values[values != background])
    return np.concatenate(found)


def _finite(values: np.ndarray) -> np.ndarray:
    finite: np.ndarray = values[np.isfinite(values)].astype(np.float64)
    return finite


def normalise(
    values: np.ndarray, scale: Scale | None, intensity: Intensity, *, gaps: bool = True
) -> None:
    """Change float32 values of any shape in place, so that no second volume is held: standardised,
    HU / 1000 within [-1, 1], or as they are; never NaN.

    values: in the file's units, or standardised over frames; scale: for `robust`; gaps: whether
    some may be NaN or infinite. A constant volume becomes zeros.
    """
    low = {"robust": scale.low if scale else 0.0, "hounsfield": AIR}.get(intensity, 0.0)
    if gaps and not (np.isfinite(values.min()) and np.isfinite(values.max())):
        np.nan_to_num(values, copy=False, nan=low, posinf=low, neginf=low)
    if intensity == "robust":
        if scale is None:
            raise ValueError("robust needs the scale of the volume")
        np.clip(values, scale.low, scale.high, out=values)
        spread = scale.spread if scale.spread > 0 else 1.0
        values *= np.float32(1 / spread)
        values -= np.float32(scale.mean / spread)
    elif intensity == "hounsfield":
        np.clip(values, AIR, 1000, out=values)
        values /= np.float32(1000)
