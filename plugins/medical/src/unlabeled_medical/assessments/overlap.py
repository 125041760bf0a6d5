"""Metrics of segmentations: Dice, and the 95th percentile of surface distances in mm."""

from __future__ import annotations

import numpy as np
from scipy import ndimage


def dice(found: np.ndarray, truth: np.ndarray) -> float:
    """2 |A ∩ B| / (|A| + |B|) of two bool arrays of one shape, in [0, 1]; 1 if both are empty."""
    total = int(found.sum()) + int(truth.sum())
    return 2 * int((found & truth).sum()) / total if total else 1.0


def hausdorff95(found: np.ndarray, truth: np.ndarray, spacing: np.ndarray) -> float:
    """The larger of the two directions' 95th percentiles of distances from surface to surface.

    found, truth: bool, of one shape; spacing: (rank,) mm. NaN if one of them is empty and the
    other is not, 0 if both are. A surface voxel is one with a neighbour, across a face, outside.
    Source: Huttenlocher et al. 1993, with the percentile of the BraTS challenge.
    """
    if not found.any() or not truth.any():
        return 0.0 if found.any() == truth.any() else float("nan")
    box = ndimage.find_objects((found | truth).astype(np.int8))[0]  # elsewhere there is nothing
    one, other = (mask[box] & ~ndimage.binary_erosion(mask[box]) for mask in (found, truth))
    there = ndimage.distance_transform_edt(~other, sampling=spacing)[one]
    back = ndimage.distance_transform_edt(~one, sampling=spacing)[other]
    return float(max(np.percentile(there, 95), np.percentile(back, 95)))
