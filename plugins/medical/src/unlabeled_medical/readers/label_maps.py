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
    the mask, whose grid may be any that covers some of the image: beyond it lies background.
    Raises UnreadableItem if the mask lies elsewhere.
    """
    matrix, offset, missing = _indices(grid, like)
    size = [*like.size] if missing is None else [*like.size[:missing], 1, *like.size[missing:]]
    if _same(grid, image):
        start = np.rint(offset).astype(int)
        box = tuple(slice(int(a), int(a) + s) for a, s in zip(start, size, strict=True))
        values = load((box[0], box[1], box[2]))
    else:
        _require_place(path, grid, image)
        whole = load((slice(0, grid.shape[0]), slice(0, grid.shape[1]), slice(0, grid.shape[2])))
        # Unlike "constant", this mode has the outer voxels reach to their borders.
        values = ndimage.affine_transform(
            whole, matrix, offset, tuple(size), order=0, mode="grid-constant"
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


def _require_place(path: str, grid: Grid, image: Grid) -> None:
    """Raises UnreadableItem where a mask covers nothing of its image, or has as many voxels at
    another place: then one of both headers is wrong, and the mask would be cut in silence."""
    resampled = any(step != 1 for step in image.scale)
    back = np.linalg.inv(grid.affine) @ _corners(image)
    apart = (back.max(axis=1) < -0.5) | (back.min(axis=1) > np.array([*grid.shape, 2]) - 0.5)
    same = grid.shape == image.shape and not resampled
    if apart[:3].any() or same:
        found = "as many" if same else f"{grid.shape}"
        beside = ", which cover nothing of it" if apart[:3].any() else ""
        raise UnreadableItem(
            path,
            f"the grid of its image, {image.shape} voxels, or one that covers it",
            f"{found} voxels at another place{beside}",
        )


def _corners(grid: Grid) -> np.ndarray:
    """The world coordinates of a grid's outer voxels, (4, 8), homogeneous."""
    ends = np.meshgrid(*[(0, length - 1) for length in grid.shape], [1], indexing="ij")
    corners: np.ndarray = grid.affine @ np.stack([each.ravel() for each in ends])
    return corners
