"""Volumes of noise on disk."""

import nibabel
import numpy as np
import pytest


@pytest.fixture
def write_nifti():
    """write(path, values, affine, shape): values or noise, 1 mm apart unless said; gives values."""
    rng = np.random.default_rng(7)

    def write(path, values=None, affine=None, shape=(12, 10, 8)):
        path.parent.mkdir(parents=True, exist_ok=True)
        if values is None:
            values = (rng.normal(size=shape) * 100 + 500).astype(np.float32)
        nibabel.save(nibabel.Nifti1Image(values, np.eye(4) if affine is None else affine), path)
        return values

    return write
