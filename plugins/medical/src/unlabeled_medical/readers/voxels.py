"""From files to voxels: a cache of open files, and one scale per volume.

Scanners write arbitrary units: in one collection the maximum of a head scan may be 100 or
1,700,000. `robust` therefore clips each volume at its own percentiles and standardises it; a
window gets the scale of its whole volume, so that two windows stay comparable. In functional MRI
the signal is the change of a voxel over time, a few per cent of its value: `over_frames`
standardises each voxel over the frames of its file, usually one run.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from unlabeled.errors import UnreadableItem
from unlabeled_medical.readers.cache import cached_file, from_cache, to_cache
from unlabeled_medical.readers.geometry import Grid, Window
from unlabeled_medical.readers.header import Header, Stored, reading
from unlabeled_medical.readers.kinds import FORMATS
from unlabeled_medical.readers.scale import AIR, Intensity, Scale, measure_scale, normalise

Layout = tuple[object, ...]
SMALLEST = 1_000_000
"""Bytes; smaller volumes are held in memory, as a disk cache of many small files would be slow."""
MOST_OPEN, MOST_HELD = 4096, 512_000_000
"""Volumes that stay open, and bytes of the small ones among them that are held, per process."""


@dataclass(frozen=True, slots=True)
class Source:
    """The files of one stored volume. state: of the last one, which holds the voxels of a pair."""

    format: str
    files: tuple[Path, ...]
    state: tuple[int, int, int]

    @classmethod
    def of(cls, format: str, files: tuple[Path, ...]) -> Source:
        """Raises UnreadableItem if the last file is gone."""
        try:
            status = files[-1].stat()
        except OSError as error:
            raise UnreadableItem(str(files[-1]), "a file", f"{error.strerror}") from error
        # `cp -p` restores the time of modification, but not the time of change.
        return cls(format, files, (status.st_size, status.st_mtime_ns, status.st_ctime_ns))

    @property
    def name(self) -> str:
        """As the user would name it: the file, or the folder of a series."""
        series = self.format == "dicom" and len(self.files) > 1
        return str(self.files[0].parent if series else self.files[0])


@lru_cache(maxsize=4096)
def read_header(source: Source, assume_spacing: tuple[float, float, float] | None) -> Header:
    """Remembered. Raises UnreadableItem, also if voxels have no size or place."""
    with reading(source.name, "a header that can be understood"):
        header: Header = FORMATS[source.format].header(source.files)
    if assume_spacing and not header.spaced:
        header = header.with_spacing(assume_spacing)
    header.require_geometry(source.name)
    return header


def open_whole(source: Source) -> Stored:
    """All voxels, decoded anew. Raises UnreadableItem."""
    with reading(source.name, "complete voxel data"):
        stored: Stored = FORMATS[source.format].load(source.files)
    return stored


_OPEN: dict[tuple[Source, Layout], Stored | np.ndarray] = {}
_HELD: dict[tuple[Source, Layout], int] = {}
"""Open volumes, the newest last, and their bytes that are not mapped."""


def open_windows(
    source: Source, grid: Grid, intensity: Intensity, cache_bytes: int
) -> Stored | np.ndarray:
    """The source of windows: final values, (F, x, y, z) float32, or stored ones.

    Final ones, which are laid on the grid and normalised, are mapped from the cache, or held if
    they are few. Files that do not fit into the cache are stored, and so are those that can be
    mapped themselves, unless a frame depends on all others (`over_frames`). Raises UnreadableItem.
    """
    key = (source, layout_of(grid, intensity))
    if key not in _OPEN:
        opened = _open(source, grid, intensity, cache_bytes)
        values = opened.values if isinstance(opened, Stored) else opened
        held = 0 if isinstance(values, np.memmap) else values.nbytes
        if held > SMALLEST:
            return opened
        _keep(key, opened, held)
    return _OPEN[key]


def _keep(key: tuple[Source, Layout], opened: Stored | np.ndarray, held: int) -> None:
    while _OPEN and (len(_OPEN) >= MOST_OPEN or sum(_HELD.values()) + held > MOST_HELD):
        oldest = next(iter(_OPEN))
        _OPEN.pop(oldest)
        _HELD.pop(oldest, None)
    _OPEN[key] = opened
    if held:
        _HELD[key] = held


def _open(
    source: Source, grid: Grid, intensity: Intensity, cache_bytes: int
) -> Stored | np.ndarray:
    cached = cached_file(source.files, layout_of(grid, intensity))
    if (final := from_cache(cached)) is not None:
        return final
    stored = open_whole(source)
    if isinstance(stored.values, np.memmap) and intensity != "over_frames":
        return stored
    shape = (stored.values.shape[3], *grid.shape)
    frames = (final_frame(source, stored, grid, intensity, frame) for frame in range(shape[0]))
    needed = 4 * int(np.prod(shape))
    if needed < SMALLEST:
        return np.stack(list(frames))
    if needed <= cache_bytes:
        to_cache(cached, shape, frames, cache_bytes)
    final = from_cache(cached)
    return stored if final is None else final


def layout_of(grid: Grid, intensity: Intensity) -> Layout:
    """Everything that final values depend on, besides their files."""
    return grid.order, grid.flipped, grid.scale, grid.shape, intensity


def final_frame(
    source: Source, stored: Stored, grid: Grid, intensity: Intensity, frame: int
) -> np.ndarray:
    """(x, y, z) float32, laid on the grid and normalised."""
    x, y, z = (slice(0, length) for length in grid.shape)
    frames = slice(frame, frame + 1)
    values: np.ndarray = final_window(source, stored, grid, (x, y, z), intensity, frames)[0]
    return values


def final_window(
    source: Source, stored: Stored, grid: Grid, window: Window, intensity: Intensity, frames: slice
) -> np.ndarray:
    """(F, x, y, z) float32 of a window, laid on the grid and normalised."""
    course = course_of(source, stored) if intensity == "over_frames" else None
    floor = AIR if intensity == "hounsfield" else None
    values = read_window(stored, grid, window, frames, course, floor)
    for channel, frame in zip(values, range(frames.start, frames.stop), strict=True):
        scale = scale_of(source, stored, frame) if intensity == "robust" else None
        normalise(channel, scale, intensity, gaps=stored.may_have_gaps)
    return values


def read_window(
    stored: Stored,
    grid: Grid,
    window: Window,
    frames: slice,
    course: Course | None = None,
    floor: float | None = None,
) -> np.ndarray:
    """(F, x, y, z) float32 in the file's own units, or standardised by the course of each voxel.

    floor: what lies below is raised to it before voxels are interpolated, as values outside of a
    CT's field of view would else darken their neighbours by more than air.
    """

    def load(box: Window) -> np.ndarray:
        values = stored.values[(*box, frames)]
        if course is not None:
            standardised: np.ndarray = (stored.true(values) - course.mean[box]) / course.spread[box]
            return standardised
        if floor is not None and any(scale != 1 for scale in grid.scale):
            raised: np.ndarray = np.maximum(stored.true(values), np.float32(floor))
            return raised
        return values if stored.plain else stored.true(values)  # copied once, by the grid

    return grid.read(window, load)


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """Statistics for `over_frames`: (X, Y, Z, 1) float32 over frames, on the stored grid.

    spread: 1 where a voxel never changes, as around a masked brain.
    """

    mean: np.ndarray
    spread: np.ndarray


_COURSE: dict[Source, Course] = {}
"""Of the last file, whose frames are made one after the other."""


def course_of(source: Source, stored: Stored) -> Course:
    """The mean and spread of each voxel over the frames."""
    if source not in _COURSE:
        first = stored.true(stored.values[..., 0]).astype(np.float64)
        total, squares = np.zeros_like(first), np.zeros_like(first)
        count = stored.values.shape[3]
        for frame in range(1, count):
            change = stored.true(stored.values[..., frame]) - first  # exactly 0 where nothing does
            total += change
            squares += np.square(change)
        variance = (squares / count - np.square(total / count)).clip(min=0)
        spread = np.where(variance > 0, np.sqrt(variance), 1)
        maps = (each[..., None].astype(np.float32) for each in (first + total / count, spread))
        _COURSE.clear()
        _COURSE[source] = Course(*maps)
    return _COURSE[source]


_SCALES: dict[tuple[Source, int], Scale] = {}
"""Per process, so that 32,768 voxels of a volume are not read again for its next window."""


def scale_of(source: Source, stored: Stored, frame: int) -> Scale:
    """Remembered. Raises UnreadableItem if no voxel is finite."""
    if (source, frame) not in _SCALES:
        scale = measure_scale(stored, frame)
        if scale is None:
            raise UnreadableItem(source.name, "at least one finite voxel", "none")
        _SCALES[source, frame] = scale
    return _SCALES[source, frame]


def read_scale(source: Source, frame: int) -> Scale:
    """`scale_of` a frame, whose file is opened only if nothing is known. Raises UnreadableItem."""
    return _SCALES.get((source, frame)) or scale_of(source, open_whole(source), frame)
