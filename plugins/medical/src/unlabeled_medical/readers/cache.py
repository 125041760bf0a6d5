"""Decoded voxels on disk, memory-mapped, for files that cannot be read in parts.

Compressed NIfTI, DICOM series and NRRD must be decoded as a whole before a window of them can be
cut. The cache keeps what was decoded as plain `.npy` files in a folder of the user's own
(`$UNLABELED_CACHE`, or `~/.cache/unlabeled`), readable by that user alone, under names that tell
nothing. When it grows beyond its limit the files that were used least recently go.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from unlabeled.atomic import new_file

SMALLEST = 1_000_000
"""Bytes; what is smaller is decoded again faster than a folder of such files is kept in order."""
SLACK = 0.05
"""Share of the limit that is written before the folder, which may hold many files, is counted."""
FORMAT = 2
"""Of the files; it is part of their names, so files of an older kind are never read."""

_WRITTEN: dict[Path, int] = {}
"""Bytes that this process wrote to a folder since it last counted what lies there."""


def cache_folder() -> Path:
    """Where decoded voxels lie, below `$UNLABELED_CACHE` or `~/.cache/unlabeled`."""
    root = os.environ.get("UNLABELED_CACHE")
    return (Path(root) if root else Path.home() / ".cache" / "unlabeled") / "medical"


def cached_file(files: Sequence[Path], layout: object) -> Path:
    """The cache's name for these files as they are now, with their axes as `layout` says."""
    states = [(str(file.resolve()), file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    digest = hashlib.sha256(repr((FORMAT, layout, states)).encode()).hexdigest()
    return cache_folder() / f"{digest[:32]}.npy"


def from_cache(file: Path) -> np.ndarray | None:
    """The memory-mapped voxels (x, y, z, F), or None if they are not there (any more)."""
    try:
        values: np.ndarray = np.load(file, mmap_mode="r", allow_pickle=False)
        os.utime(file)
    except (FileNotFoundError, ValueError):
        return None
    return np.moveaxis(values, 0, -1)


def to_cache(file: Path, values: np.ndarray, limit_bytes: int) -> None:
    """Write voxels (x, y, z, F) and make room for them; more than the limit is not kept."""
    if not SMALLEST <= values.nbytes <= limit_bytes:
        return
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with new_file(file) as partial, partial.open("wb") as opened:
        np.save(opened, np.ascontiguousarray(np.moveaxis(values, -1, 0)), allow_pickle=False)
    file.chmod(0o600)
    _WRITTEN[file.parent] = _WRITTEN.get(file.parent, limit_bytes) + values.nbytes
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
