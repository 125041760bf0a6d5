"""Mean, deviation, highest and lowest value of each band, without any encoder.

Source: the image statistics of Corley et al. 2023, arXiv:2305.13456, which beat many an encoder.
"""

from __future__ import annotations

import numpy as np

from unlabeled.settings import Settings
from unlabeled_remote_sensing.raster import Layer, Raster


class BandStatistics(Settings):
    """(4 C,) per sensor in the order of the sample, over valid pixels; NaN where there are none.

    Every mean, then every deviation (unbiased), highest and lowest value.
    """

    def __call__(self, sample: Raster) -> np.ndarray:
        return np.concatenate([_describe(layer) for layer in sample.layers.values()])


def _describe(layer: Layer) -> np.ndarray:
    pixels = layer.values[:, layer.valid].astype(np.float64)
    if pixels.shape[1] == 0:
        return np.full(4 * len(pixels), np.nan)
    spread = pixels.std(axis=1, ddof=1) if pixels.shape[1] > 1 else np.zeros(len(pixels))
    return np.concatenate([pixels.mean(axis=1), spread, pixels.max(axis=1), pixels.min(axis=1)])
