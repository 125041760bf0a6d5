"""Random convolutional features: what filters tell that nobody trained.

Source: Rolf et al. 2021, MOSAIKS, doi:10.1038/s41467-021-24638-z. Filters and signs are those of
torchgeo's `RCF`: weights from N(0, 1), the answer with its bias rectified, and its negative
rectified, without padding, then the mean. Filters that are patches of the data are not offered.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field

from unlabeled.settings import Settings
from unlabeled_remote_sensing.raster import Raster


class RandomConvolutions(Settings):
    """(features,) float64 of the bands of all sensors, in the order of the sample, in their units;
    pixels without data are 0. NaN where nothing has data, or
    the image is smaller than a filter."""

    features: int = Field(128, ge=2, multiple_of=2, description="half of one sign of the filters")
    kernel: int = Field(3, ge=1, description="side of a filter, in pixels")
    bias: float = Field(-1.0, description="added to each filter's answer before it is rectified")
    seed: int = Field(0, ge=0, description="of the filters")

    def __call__(self, sample: Raster) -> np.ndarray:
        there = any(layer.valid.any() for layer in sample.layers.values())
        if not there or min(sample.shape) < self.kernel:
            return np.full(self.features, np.nan)
        bands = torch.from_numpy(np.concatenate([layer.values for layer in sample.layers.values()]))
        # The bias changes its sign with the answer, as in torchgeo.
        answers = F.conv2d(bands[None].float(), self._filters(len(bands)))[0] + self.bias
        both = torch.cat([F.relu(answers), F.relu(-answers)])
        return np.asarray(both.mean(dim=(1, 2)).numpy(), dtype=np.float64)

    def _filters(self, bands: int) -> torch.Tensor:
        """(features / 2, bands, kernel, kernel), the same for a seed and a number of bands."""
        drawn = torch.Generator().manual_seed(self.seed)
        return torch.randn(self.features // 2, bands, self.kernel, self.kernel, generator=drawn)
