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
from unlabeled_medical.readers.header import Stored


def cache_folder() -> Path:
    """Where decoded voxels lie, below `$UNLABELED_CACHE` or `~/.cache/unlabeled`."""
    root = os.environ.get("UNLABELED_CACHE")
    return (Path(root) if root else Path.home() / ".cache" / "unlabeled") / "medical"


def cached_file(files: Sequence[Path]) -> Path:
    """The cache's name for these files as they are now."""
    states = [(str(file.resolve()), file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    return cache_folder() / f"{hashlib.sha256(repr(states).encode()).hexdigest()[:32]}.npy"


def from_cache(file: Path) -> Stored | None:
    """The memory-mapped voxels, or None if they are not there (any more)."""
    try:
        values = np.load(file, mmap_mode="r", allow_pickle=False)
        os.utime(file)
    except (FileNotFoundError, ValueError):
        return None
    return Stored(values)


def to_cache(file: Path, stored: Stored, limit_bytes: int) -> None:
    """Write voxels and make room for them; what is larger than the limit is not kept."""
    values = stored.values
    if (stored.slope, stored.intercept) != (1.0, 0.0):
        values = stored.true(values)
    if values.nbytes > limit_bytes:
        return
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with new_file(file) as partial, partial.open("wb") as opened:
        np.save(opened, np.ascontiguousarray(values), allow_pickle=False)
    file.chmod(0o600)
    make_room(file.parent, limit_bytes)


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
