import os
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.transform import Affine

GRID = Affine(10.0, 0.0, 600_000.0, 0.0, -10.0, 5_000_000.0)


@pytest.fixture
def write_tiff():
    """write_tiff(path, values (C, H, W), names=None, **profile): a GeoTIFF of 10 m in UTM."""

    def write(path, values, names=None, transform=GRID, crs="EPSG:32633", **profile):
        path.parent.mkdir(parents=True, exist_ok=True)
        values = np.asarray(values)
        count, height, width = values.shape
        with rasterio.open(
            path,
            "w",
            driver="GTiff",
            count=count,
            height=height,
            width=width,
            dtype=values.dtype,
            crs=crs,
            transform=transform,
            **profile,
        ) as target:
            target.write(values)
            if names:
                target.descriptions = names
        return path

    return write


@pytest.fixture
def real_data():
    """The folder of real earth-observation data."""
    root = os.environ.get("UNLABELED_DATA")
    if not root:
        pytest.skip("UNLABELED_DATA is not set: it names the folder of real data")
    return Path(root) / "remote_sensing"
