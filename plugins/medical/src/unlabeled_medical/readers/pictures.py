"""A volume in three planes through its middle, or an image as it is."""

from __future__ import annotations

import numpy as np

from unlabeled.contract import Preview
from unlabeled.pictures import contrast, grey_levels, png
from unlabeled_medical.volume import Volume

PLANES = ("sagittal", "coronal", "axial")


def previews_of(volume: Volume) -> list[Preview]:
    """Of the first sequence that is there; planes are named by the axes of the body."""
    place = int(volume.present.int().argmax())
    values, spacing = volume.values[place].numpy(), volume.spacing
    low, high = contrast(values)
    if values.ndim == 2:
        return [_picture(values, spacing, "image", low, high)]
    found = []
    for axis in range(3):
        plane = PLANES[int(np.abs(volume.affine[:3, axis]).argmax())]
        kept = [other for other in range(3) if other != axis]
        middle = np.take(values, values.shape[axis] // 2, axis=axis)
        what = f"{plane}, {values.shape[axis] // 2 + 1} of {values.shape[axis]}"
        found.append(_picture(middle, spacing[kept], what, low, high))
    return found


def _picture(
    values: np.ndarray, spacing: np.ndarray, what: str, low: float, high: float
) -> Preview:
    """values: (W, H), first axis to the right, second upwards; pixels are square in mm."""
    rows = np.repeat(values.T[::-1], _times(spacing, 1), axis=0)
    level = grey_levels(np.repeat(rows, _times(spacing, 0), axis=1), low, high)
    sides = " × ".join(f"{n * s:.0f}" for n, s in zip(values.shape, spacing, strict=True))
    caption = f"{what}, {sides} mm, {low:.3g} (black) to {high:.3g} (white) as read"
    return Preview(png(level), "png", caption)


def _times(spacing: np.ndarray, axis: int) -> int:
    """Repetitions of a row, so that both axes have nearly the same scale."""
    return int(np.clip(round(float(spacing[axis] / spacing.min())), 1, 16))
