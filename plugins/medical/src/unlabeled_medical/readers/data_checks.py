"""Checks for unusual scans before training."""

from __future__ import annotations

import numpy as np

from unlabeled_medical.volume import Volume

LONG = 3.0
"""Voxels this many times as long as wide are noted."""
SHORT = 16
FEW = 16
"""This many distinct values, or fewer, look like the classes of a label map."""


def check_data(volume: Volume) -> list[str]:
    """Short phrases; none if nothing is unusual."""
    values = volume.values.numpy()
    spacing = volume.spacing
    distinct, counts = np.unique(values, return_counts=True)
    share = counts.max() / values.size
    found = {
        "a sequence is missing": not bool(volume.present.all()),
        "one value everywhere": len(distinct) == 1,
        "one value in more than 99 % of the voxels": 0.99 < share < 1,
        f"{FEW} values or fewer, like a label map": 1 < len(distinct) <= FEW,
        f"voxels more than {LONG:g} times as long as wide": spacing.max() > LONG * spacing.min(),
        f"shorter than {SHORT} voxels along an axis": min(volume.size) < SHORT,
    }
    return [note for note, holds in found.items() if holds]
