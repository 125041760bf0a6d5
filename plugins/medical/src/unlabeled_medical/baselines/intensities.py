"""Simple descriptions of a volume, by its intensities alone."""

from __future__ import annotations

import numpy as np
import torch.nn.functional as F
from pydantic import Field

from unlabeled.settings import Settings
from unlabeled_medical.volume import Volume


class IntensityStatistics(Settings):
    """Of each channel: mean, standard deviation and nine deciles; NaN where it is missing."""

    def __call__(self, sample: Volume) -> np.ndarray:
        """(11 C,) float64, in the units of the sample."""
        deciles = np.arange(1, 10) / 10
        parts = []
        for channel, present in zip(sample.values.numpy(), sample.present, strict=True):
            values = channel.astype(np.float64).ravel()
            known = [values.mean(), values.std(), *np.quantile(values, deciles)]
            parts.append(known if present else np.full(11, np.nan))
        return np.concatenate(parts)


class Pixels(Settings):
    """The values themselves, averaged down to a small grid: what a linear probe sees by eye."""

    side: int = Field(14, ge=1, description="voxels along each axis of the grid")

    def __call__(self, sample: Volume) -> np.ndarray:
        """(C side^rank,) float64; NaN where a channel is missing."""
        pool = F.adaptive_avg_pool2d if len(sample.size) == 2 else F.adaptive_avg_pool3d
        values = pool(sample.values[None].double(), self.side)[0].numpy()
        values[~sample.present.numpy()] = np.nan
        flat: np.ndarray = values.ravel()
        return flat
