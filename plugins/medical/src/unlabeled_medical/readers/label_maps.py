"""Label maps on the voxels of a sample: the one way from a mask's file to its sample's grid."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from scipy import ndimage

from unlabeled.errors import UnreadableItem
from unlabeled_medical.readers.geometry import Grid, Window
from unlabeled_medical.volume import LabelMap, Volume


def label_map(
    path: str, grid: Grid, image: Grid, like: Volume, load: Callable[[Window], np.ndarray]
) -> LabelMap:
    """The labels of `like`, a sample of an image, by the nearest voxel.

    grid: of the mask; image: of the whole image as it is read; load: gives a window (x, y, z) of
    the mask. Raises UnreadableItem if the mask lies elsewhere, or is on another grid where the
    image is not resampled.
    """
    matrix, offset, missing = _indices(grid, like)
    size = [*like.size] if missing is None else [*like.size[:missing], 1, *like.size[missing:]]
    if _same(grid, image):
        start = np.rint(offset).astype(int)
        box = tuple(slice(int(a), int(a) + s) for a, s in zip(start, size, strict=True))
        values = load((box[0], box[1], box[2]))
    else:
        _require_place(path, grid, image, matrix, offset, size)
        whole = load((slice(0, grid.shape[0]), slice(0, grid.shape[1]), slice(0, grid.shape[2])))
        values = ndimage.affine_transform(
            whole, matrix, offset, tuple(size), order=0, mode="nearest"
        )
    if missing is not None:
        values = values.squeeze(missing)
    if not np.array_equal(values, np.rint(values)):
        raise UnreadableItem(path, "whole class numbers in a label map", "fractions")
    held = torch.from_numpy(np.array(values, np.float32))[None]
    return LabelMap(held, like.affine, torch.ones(1, dtype=torch.bool))


def _indices(grid: Grid, like: Volume) -> tuple[np.ndarray, np.ndarray, int | None]:
    """From indices of `like` to those of the mask, by way of the world: (3, 3), (3,), and the
    mask's axis that a flat sample lacks."""
    back = np.linalg.inv(grid.affine)
    matrix = back[:3, :3] @ like.affine[:3, :-1]
    offset = back[:3, :3] @ like.affine[:3, -1] + back[:3, 3]
    if len(like.size) == 3:
        return matrix, offset, None
    missing = int(np.abs(matrix).max(axis=1).argmin())
    return np.insert(matrix, missing, np.eye(3)[missing], axis=1), offset, missing


def _same(grid: Grid, image: Grid) -> bool:
    return grid.shape == image.shape and np.allclose(grid.affine, image.affine, atol=1e-2)


def _require_place(
    path: str, grid: Grid, image: Grid, matrix: np.ndarray, offset: np.ndarray, size: list[int]
) -> None:
    """Where an image is resampled its mask has another grid, and covers the same place."""
    resampled = any(step != 1 for step in image.scale)
    corners = np.stack([offset, offset + matrix @ (np.array(size) - 1)])
    beyond = np.maximum(-corners.min(axis=0), corners.max(axis=0) - np.array(grid.shape) + 1)
    # A coarser grid may end up to one of its voxels before, or behind, the finer one.
    if not resampled or (beyond > np.maximum(1, np.abs(matrix).max(axis=1))).any():
        found = f"{grid.shape} voxels, or another place"
        raise UnreadableItem(path, f"the grid of its image, {image.shape} voxels", found)
