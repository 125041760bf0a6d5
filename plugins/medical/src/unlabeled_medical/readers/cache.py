"""A cache of final voxels on disk, memory-mapped, for files that cannot be read in parts.

Compressed NIfTI, DICOM series and NRRD must be decoded as a whole before a window of them can be
cut. The cache holds decoded, turned, resampled and normalised voxels, so a window is cut by
copying. Its files are plain `.npy`, in a folder of the user (`$UNLABELED_CACHE`, or
`~/.cache/unlabeled`), readable only by that user, under names that reveal nothing. Beyond its limit
the least recently used files are deleted.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from unlabeled.atomic import new_file
from unlabeled.errors import DataError

SLACK = 0.05
"""Share of the limit that is written before the folder, which may hold many files, is counted."""
FORMAT = 5
"""Of the files; it is part of their names, so files of an older kind are never read."""

_WRITTEN: dict[Path, int] = {}
"""Bytes that this process wrote to a folder since it last counted what lies there."""


def cache_folder() -> Path:
    """Where decoded voxels lie, below `$UNLABELED_CACHE` or `~/.cache/unlabeled`."""
    root = os.environ.get("UNLABELED_CACHE")
    return (Path(root) if root else Path.home() / ".cache" / "unlabeled") / "medical"


def cached_file(files: Sequence[Path], layout: object) -> Path:
    """The cache's name for these files as they are now, as `layout` says."""
    found = [(str(file.resolve()), file.stat()) for file in files]
    # A copy may keep its time of modification (`cp -p`), but not its time of change.
    states = [(name, s.st_size, s.st_mtime_ns, s.st_ctime_ns) for name, s in found]
    digest = hashlib.sha256(repr((FORMAT, layout, states)).encode()).hexdigest()
    return cache_folder() / f"{_name_of(files)}-{digest[:32]}.npy"


def forget_cached(files: Sequence[Path]) -> int:
    """Delete the cached copies of these files, of any state and layout. Returns the number of
    deleted files."""
    kept = list(cache_folder().glob(f"{_name_of(files)}-*.npy"))
    for file in kept:
        file.unlink(missing_ok=True)
    return len(kept)


def _name_of(files: Sequence[Path]) -> str:
    """The same for the same paths."""
    paths = [str(file.resolve()) for file in files]
    return hashlib.sha256(repr(paths).encode()).hexdigest()[:16]


def from_cache(file: Path) -> np.ndarray | None:
    """The memory-mapped voxels (F, x, y, z), or None if they are not there (any more)."""
    try:
        values: np.ndarray = np.load(file, mmap_mode="r", allow_pickle=False)
        os.utime(file)
    except (FileNotFoundError, ValueError):
        return None
    return values


def to_cache(
    file: Path, shape: tuple[int, ...], frames: Iterable[np.ndarray], limit_bytes: int
) -> None:
    """Write frames (x, y, z) as float32 of `shape` (F, x, y, z), and make room for them.

    Raises DataError if the folder cannot be written, UnreadableItem if a frame cannot be made.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with new_file(file) as partial:
            partial.touch(0o600)
            with partial.open("wb") as opened:
                header = {"descr": "<f4", "fortran_order": False, "shape": shape}
                np.lib.format.write_array_header_2_0(opened, header)
                for frame in frames:
                    opened.write(np.ascontiguousarray(frame, "<f4").data)
    except OSError as error:
        raise DataError(
            f"{file.parent}: the cache of voxels cannot be written: {error.strerror}. Make room, "
            "set UNLABELED_CACHE to another folder, or the reader's cache_gb to 0."
        ) from error
    written = file.stat().st_size
    _WRITTEN[file.parent] = _WRITTEN.get(file.parent, limit_bytes) + written
    if _WRITTEN[file.parent] > SLACK * limit_bytes:
        make_room(file.parent, limit_bytes)
        _WRITTEN[file.parent] = 0


def make_room(folder: Path, limit_bytes: int) -> None:
    """Remove the least recently used files until the rest fit. Other processes may do the same."""
    states = []
    for file in folder.glob("*.npy"):
        try:
            states.append((file.stat().st_mtime_ns, file.stat().st_size, file))
        except FileNotFoundError:
            continue
    total = sum(size for _, size, _ in states)
    for _, size, file in sorted(states):
        if total <= limit_bytes:
            return
        file.unlink(missing_ok=True)
        total -= size
