"""The header of a file, and its voxels as stored."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np

from unlabeled.errors import UnreadableItem

STRANGE = (
    ValueError, TypeError, LookupError, AttributeError, ArithmeticError, OSError, EOFError,
    NotImplementedError, RecursionError, MemoryError, struct.error, zlib.error,
)  # fmt: skip
"""Exceptions of the decoding libraries for damaged files."""


@contextmanager
def reading(source: str, expected: str) -> Iterator[None]:
    """Convert exceptions of a library into UnreadableItem, so that one file never ends a
    command."""
    try:
        yield
    except UnreadableItem:
        raise
    except STRANGE as error:
        words = str(error).splitlines()[0] if str(error) else ""
        found = f"{type(error).__name__}{': ' if words else ''}{words}"
        raise UnreadableItem(source, expected, found) from error


UNITS = {
    "mm": 1.0, "millimeter": 1.0, "millimetre": 1.0,
    "micron": 1e-3, "microns": 1e-3, "micrometer": 1e-3, "micrometre": 1e-3, "um": 1e-3,
    "µm": 1e-3, "μm": 1e-3, "nm": 1e-6, "cm": 10.0, "centimeter": 10.0,
    "m": 1e3, "meter": 1e3, "metre": 1e3,
}  # fmt: skip
"""Factors from units to mm."""


def in_mm(affine: np.ndarray, unit: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """An affine (4, 4) in mm, and a note unless it was in mm. unit: as in the file, "" for none."""
    factor = UNITS.get(unit.strip().lower().strip("\"'"))
    if factor is None:
        note = f"distances in {unit!r}" if unit else "distances without a unit"
        return affine, (f"{note}, taken as mm",)
    if factor == 1:
        return affine, ()
    scaled = affine.copy()
    scaled[:3] *= factor
    return scaled, (f"distances in {unit}, converted to mm",)


@dataclass(frozen=True, slots=True, eq=False)
class Header:
    """shape: voxels along the three stored axes, an image has one axis of length 1.

    affine: (4, 4) float64, stored index to world, in mm; frames: volumes of the same grid one
    after the other (time, echoes, colours); colour: whether the frames are colours; spaced:
    whether the file gives distances; patient, session, sequence: as the file names them; notes:
    short phrases on what was assumed or converted, "distances in microns, converted to mm".
    """

    shape: tuple[int, int, int]
    affine: np.ndarray
    frames: int = 1
    colour: bool = False
    spaced: bool = True
    patient: str = ""
    session: str = ""
    sequence: str = ""
    notes: tuple[str, ...] = ()

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
        """Whether slope is 1 and intercept 0."""
        return (self.slope, self.intercept) == (1.0, 0.0)

    @property
    def may_have_gaps(self) -> bool:
        """Whether a value can be NaN or infinite."""
        return self.values.dtype.kind == "f"

    def true(self, values: np.ndarray) -> np.ndarray:
        """float32 of a part of `values`, in its shape."""
        scaled: np.ndarray = np.asarray(values, dtype=np.float32)
        if not self.plain:
            scaled = scaled * np.float32(self.slope) + np.float32(self.intercept)
        return scaled
