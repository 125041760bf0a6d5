"""What a file says about itself before its voxels are read, and its voxels as they are stored."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from unlabeled.errors import UnreadableItem


@dataclass(frozen=True, slots=True, eq=False)
class Header:
    """shape: voxels along the three stored axes, an image has one axis of length 1.

    affine: (4, 4) float64, stored index to world, in mm; frames: volumes of the same grid one
    after the other (time, echoes, colours); colour: whether the frames are colours; spaced:
    whether the file gives distances in mm; patient, session, sequence: as the file names them.
    """

    shape: tuple[int, int, int]
    affine: np.ndarray
    frames: int = 1
    colour: bool = False
    spaced: bool = True
    patient: str = ""
    session: str = ""
    sequence: str = ""

    def with_spacing(self, spacing: tuple[float, ...]) -> Header:
        """The same directions, other distances, in mm."""
        length = np.linalg.norm(self.affine[:3, :3], axis=0)
        directions = np.where(length > 0, self.affine[:3, :3] / np.where(length > 0, length, 1), 0)
        if not np.isfinite(directions).all() or abs(np.linalg.det(directions)) < 1e-6:
            directions = np.eye(3)
        affine = self.affine.copy()
        affine[:3, :3] = directions * np.asarray(spacing)
        return replace(self, affine=affine, spaced=True)

    def require_geometry(self, source: str) -> None:
        """Raises UnreadableItem if voxels have no size, or no place."""
        spacing = np.linalg.norm(self.affine[:3, :3], axis=0)
        whole = np.isfinite(self.affine).all()
        if not whole or (spacing <= 0).any() or abs(np.linalg.det(self.affine[:3, :3])) < 1e-12:
            raise UnreadableItem(
                source,
                "a distance between voxels in mm along every axis (or the reader's assume_spacing)",
                "spacing " + " × ".join(f"{s:g}" for s in spacing),
            )
        if min(self.shape) < 1 or self.frames < 1:
            raise UnreadableItem(source, "at least one voxel", f"a shape of {self.shape}")


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """values: (X, Y, Z, F) real numbers, perhaps memory-mapped; a value means
    values * slope + intercept."""

    values: np.ndarray
    slope: float = 1.0
    intercept: float = 0.0

    @property
    def plain(self) -> bool:
        """Whether stored values mean themselves."""
        return (self.slope, self.intercept) == (1.0, 0.0)

    @property
    def may_have_gaps(self) -> bool:
        """Whether a value can be NaN or infinite."""
        return self.values.dtype.kind == "f"

    def true(self, values: np.ndarray) -> np.ndarray:
        """float32 of a part of `values`."""
        scaled: np.ndarray = np.asarray(values, dtype=np.float32)
        if not self.plain:
            scaled = scaled * np.float32(self.slope) + np.float32(self.intercept)
        return scaled
