"""Reorientation of the stored grid to patient axes, and resampling, window by window.

A `Grid` maps each voxel of the wanted array to stored ones. Turning permutes and flips axes and is
exact; an oblique volume stays oblique. Another spacing interpolates linearly along each axis, over
a wider triangle where voxels get larger, so that nothing aliases. The first voxel's centre keeps
its place. A window gives the same numbers as the same window of the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from nibabel.orientations import io_orientation

from unlabeled_medical.volume import moved_affine

Window = tuple[slice, slice, slice]


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """shape: wanted voxels, three axes; affine: (4, 4) wanted index to mm; order: the stored axis
    of each wanted one; flipped: whether it runs backwards; scale: stored voxels per wanted one;
    stored: the stored shape."""

    shape: tuple[int, ...]
    affine: np.ndarray
    order: tuple[int, ...]
    flipped: tuple[bool, ...]
    scale: tuple[float, ...]
    stored: tuple[int, ...]

    @classmethod
    def of(cls, shape: Sequence[int], affine: np.ndarray) -> Grid:
        """The grid as it is stored. affine: (4, 4)."""
        axes = len(shape)
        return cls(
            tuple(shape), affine, tuple(range(axes)), (False,) * axes, (1.0,) * axes, tuple(shape)
        )

    def towards_ras(self) -> Grid:
        """Axes permuted and flipped to run to the right, the front and the head, most nearly."""
        towards = io_orientation(self.affine)  # type: ignore[no-untyped-call]
        order = tuple(int(i) for i in np.argsort(towards[:, 0]))
        flipped = tuple(bool(towards[i, 1] < 0) for i in order)
        shape = tuple(self.shape[i] for i in order)
        affine = self.affine[:, [*order, 3]]
        affine = moved_affine(
            affine, [s - 1 if f else 0 for s, f in zip(shape, flipped, strict=True)]
        )
        affine[:, :3] *= np.where(flipped, -1, 1)
        return Grid(shape, affine, order, flipped, self.scale, self.stored)

    def spaced(self, spacing: Sequence[float | None]) -> Grid:
        """Voxels `spacing` mm apart along each axis; None leaves an axis as it is."""
        now = np.linalg.norm(self.affine[:3, :3], axis=0)
        wanted = [n if s is None else s for n, s in zip(now, spacing, strict=True)]
        scale = tuple(
            1.0 if abs(w - n) < 1e-4 * n else float(w / n) for w, n in zip(wanted, now, strict=True)
        )
        shape = tuple(
            int(np.floor((length - 1) / step + 1e-6)) + 1
            for length, step in zip(self.shape, scale, strict=True)
        )
        affine = self.affine.copy()
        affine[:, :3] *= scale
        return Grid(shape, affine, self.order, self.flipped, scale, self.stored)

    def read(self, window: Window, load: Callable[[Window], np.ndarray]) -> np.ndarray:
        """The values of a window, (F, x, y, z) float32.

        load: gives a window (without negative steps) of the stored axes, (X, Y, Z, F).
        """
        spans = [self._span(axis, part) for axis, part in enumerate(window)]
        stored: list[slice] = [slice(0)] * 3
        for axis, (first, last) in enumerate(spans):
            length = self.stored[self.order[axis]]
            backwards = slice(length - last, length - first)
            stored[self.order[axis]] = backwards if self.flipped[axis] else slice(first, last)
        values = self.turned(load((stored[0], stored[1], stored[2])))
        for axis, part in enumerate(window):
            if self.scale[axis] != 1:
                weights = self._weights(axis, part, *spans[axis])
                values = np.moveaxis(np.tensordot(weights, values, (1, axis)), 0, axis)
        return copied(np.moveaxis(values, -1, 0))

    def turned(self, values: np.ndarray) -> np.ndarray:
        """A view of stored voxels (X, Y, Z, F), or of a box of them, along the wanted axes."""
        return values.transpose(*self.order, 3)[_flips(self.flipped)]

    def _span(self, axis: int, part: slice) -> tuple[int, int]:
        """The first turned voxel with a weight, and the one after the last."""
        scale = self.scale[axis]
        if scale == 1:
            return part.start, part.stop
        reach = max(scale, 1.0)
        first = int(np.ceil(part.start * scale - reach + 1e-9))
        last = int(np.floor((part.stop - 1) * scale + reach - 1e-9))
        return max(first, 0), min(last + 1, self.stored[self.order[axis]])

    def _weights(self, axis: int, part: slice, first: int, last: int) -> np.ndarray:
        """(wanted, last - first): the weight of each turned voxel."""
        scale = self.scale[axis]
        place = np.arange(part.start, part.stop) * scale
        distance = np.abs(place[:, None] - np.arange(first, last))
        weights = np.clip(1 - distance / max(scale, 1.0), 0, None)
        shares: np.ndarray = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
        return shares


def copied(values: np.ndarray) -> np.ndarray:
    """float32 in the same shape, always a copy, in memory order.

    Any other order takes ten times as long, and so does casting along negative strides: such an
    axis is cast forwards first, then flipped by torch, which moves whole vectors.
    """
    backwards = [axis for axis, step in enumerate(values.strides) if step < 0]
    forwards = values[_flips([step < 0 for step in values.strides])]
    copy = np.array(forwards, dtype=np.float32, order="K")
    flipped: np.ndarray = torch.from_numpy(copy).flip(backwards).numpy() if backwards else copy
    return flipped


def _flips(flipped: Sequence[bool]) -> tuple[slice, ...]:
    return tuple(slice(None, None, -1 if backwards else 1) for backwards in flipped)
