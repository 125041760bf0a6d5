"""The sample of this plugin, an image or volume, and batches of them.

Letters: N batch, C channels (sequences, colours or frames), S the sizes of the 2 or 3 axes in
voxels. World coordinates are patient coordinates in mm, x to the right, y to the front, z to the
head (RAS+); where a file gives none (a PNG, an X-ray) they are mm or pixels from its first pixel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from unlabeled.contract import DenseTarget
from unlabeled.errors import ShapeError


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """An image or volume, or a window of one.

    values: (C, *S) float32; affine: (4, rank + 1) float64, world = affine @ [*index, 1];
    present: (C,) bool, False where a sequence is missing and its values are zeros.
    """

    values: Tensor
    affine: np.ndarray
    present: Tensor

    @property
    def size(self) -> tuple[int, ...]:
        """S, in voxels."""
        return tuple(self.values.shape[1:])

    @property
    def spacing(self) -> np.ndarray:
        """(rank,) the distance between neighbouring voxels along each axis, in mm."""
        spacing: np.ndarray = np.linalg.norm(self.affine[:3, :-1], axis=0)
        return spacing

    def world(self, index: np.ndarray) -> np.ndarray:
        """World coordinates (..., 3) in mm of voxel indices (..., rank)."""
        place: np.ndarray = np.asarray(index) @ self.affine[:3, :-1].T + self.affine[:3, -1]
        return place

    def crop(self, start: Sequence[int], size: Sequence[int]) -> Volume:
        """The window of `size` voxels that begins at `start`; its voxels keep their place."""
        box = tuple(slice(a, a + s) for a, s in zip(start, size, strict=True))
        return replace(self, values=self.values[(slice(None), *box)], affine=self.moved(start))

    def moved(self, start: Sequence[float]) -> np.ndarray:
        """The affine (4, 4) of a window that begins at `start`."""
        return moved_affine(self.affine, start)

    def flipped(self, axis: int) -> Volume:
        """Mirrored in storage; its voxels keep their place in the world."""
        affine = moved_affine(
            self.affine, [s - 1 if a == axis else 0 for a, s in enumerate(self.size)]
        )
        affine[:, axis] *= -1
        return replace(self, values=self.values.flip(axis + 1), affine=affine)


@dataclass(frozen=True, slots=True, eq=False)
class LabelMap(Volume, DenseTarget):
    """The classes of a volume's voxels, or those of a window. values: (1, *S) float32, whole
    numbers, -1 where it is unknown."""

    def classes(self) -> np.ndarray:
        """Of each voxel, (X, Y, Z) or (X, Y) int64."""
        numbers: np.ndarray = self.values[0].round().long().numpy()
        return numbers


def moved_affine(affine: np.ndarray, start: Sequence[float]) -> np.ndarray:
    """The affine (4, 4) whose index 0 lies where `affine` has `start`."""
    moved = affine.copy()
    moved[:, -1] = affine.dot((*start, 1))
    return moved


@dataclass(slots=True)
class VolumeBatch:
    """Volumes of one rank as one tensor, zeros behind each one's end.

    values: (N, C, *S) float32; valid: (N, *S) bool, False behind a volume's end;
    present: (N, C) bool; affine: (N, 4, rank + 1) float64, index to mm.
    """

    values: Tensor
    valid: Tensor
    present: Tensor
    affine: Tensor

    @classmethod
    def of(cls, volumes: Sequence[Volume], channels: int, rank: int) -> VolumeBatch:
        """Pad to the largest along each axis. Raises ShapeError for other channels or ranks."""
        for index, volume in enumerate(volumes):
            if len(volume.size) != rank or len(volume.values) != channels or 0 in volume.size:
                raise ShapeError(
                    f"sample {index}: expected {channels} channels and {rank} axes, found a shape "
                    f"of {tuple(volume.values.shape)}. The encoder's `channels` and `rank` must "
                    "be those of the data; the reader's `include` chooses among mixed files."
                )
        size = [max(lengths) for lengths in zip(*(v.size for v in volumes), strict=True)]
        values = torch.zeros(len(volumes), channels, *size)
        valid = torch.zeros(len(volumes), *size, dtype=torch.bool)
        for row, volume in enumerate(volumes):
            box = [slice(s) for s in volume.size]
            values[row][(slice(None), *box)] = volume.values
            valid[row][tuple(box)] = True
        present = torch.stack([volume.present for volume in volumes])
        affine = torch.from_numpy(np.stack([volume.affine for volume in volumes]))
        return cls(values, valid, present, affine)
