"""Windowed reads: a few bands of one file, on the file's own grid or on another one.

Handles stay open (opening costs up to half of a read), a few per thread and process, because a
dataset must not be shared between threads and a file position not between processes.
"""

from __future__ import annotations

import os
import resource
import threading
import warnings
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import rasterio
from rasterio.enums import ColorInterp, MaskFlags, Resampling
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.io import DatasetReader
from rasterio.transform import Affine
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window

from unlabeled.errors import UnreadableItem
from unlabeled_remote_sensing.raster import Transform
from unlabeled_remote_sensing.sensors import PixelMask, Sensor, band_key

OPEN_FILES = min(1024, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 4)
"""Per thread; a process may usually have 1024."""
EXACT_IN_FLOAT32 = {"uint8", "int8", "uint16", "int16", "float32"}
_local = threading.local()
# Asking for the process at every read would cost a tenth of it.
os.register_at_fork(after_in_child=lambda: _local.__dict__.clear())
METRES_PER_DEGREE = 111_320.0


@dataclass(frozen=True, slots=True)
class Grid:
    """Where a file's pixels lie. crs: WKT, empty where the file does not say."""

    height: int
    width: int
    transform: Transform
    crs: str

    def same_as(self, other: Grid) -> bool:
        """Pixel upon pixel, to a thousandth of a pixel."""
        if self == other:
            return True
        size = max(abs(value) for value in (*self.transform[:2], *self.transform[3:5]))
        near = np.allclose(self.transform, other.transform, rtol=0, atol=size / 1000)
        return (
            (self.height, self.width) == (other.height, other.width)
            and near
            and (self.crs == other.crs or _crs(self.crs) == _crs(other.crs))
        )


@dataclass(frozen=True, slots=True)
class Opened:
    """An open file, and what costs as much to ask GDAL for as a small read.

    masked: whether it has a mask or alpha band; exact: whether float32 holds its values; integer:
    whether they are; scales, offsets: one per band.
    """

    source: DatasetReader
    grid: Grid
    masked: bool
    exact: bool
    integer: bool
    nodata: float | None
    scales: tuple[float, ...]
    offsets: tuple[float, ...]

    @classmethod
    def of(cls, source: DatasetReader) -> Opened:
        masked = any(MaskFlags.per_dataset in flags for flags in source.mask_flag_enums)
        return cls(
            source,
            _grid(source),
            masked,
            exact=set(source.dtypes) <= EXACT_IN_FLOAT32,
            integer=all(kind.lstrip("u").startswith("int") for kind in source.dtypes),
            nodata=source.nodata,
            scales=source.scales,
            offsets=source.offsets,
        )


@dataclass(frozen=True, slots=True)
class Part:
    """Some bands of a sensor in one file. indexes: 1-based, in the file; rows: in the sensor, none
    if it is the sensor's mask."""

    path: str
    indexes: tuple[int, ...]
    rows: tuple[int, ...]


def open_raster(path: str) -> Opened:
    """A handle of this thread; closed when others have been used more recently.

    Raises UnreadableItem.
    """
    handles: OrderedDict[str, Opened] = _local.__dict__.setdefault("handles", OrderedDict())
    if path not in handles:
        try:
            # Not with GTIFF_DIRECT_IO, which is faster but reads what a file has lost as zeros.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", NotGeoreferencedWarning)
                source = rasterio.open(path, sharing=False)
        except RasterioError as error:
            raise UnreadableItem(path, "a raster that rasterio opens", _reason(error)) from error
        handles[path] = Opened.of(source)
        if len(handles) > OPEN_FILES:
            handles.popitem(last=False)[1].source.close()
    handles.move_to_end(path)
    return handles[path]


def grid_of(path: str) -> Grid:
    """From the header. Raises UnreadableItem."""
    return open_raster(path).grid


def _grid(source: DatasetReader) -> Grid:
    crs = source.crs.to_wkt() if source.crs else ""
    a, b, c, d, e, f = tuple(source.transform)[:6]
    return Grid(source.height, source.width, (a, b, c, d, e, f), crs)


@lru_cache(maxsize=1024)
def metres_per_pixel(grid: Grid) -> float | None:
    """The side of a square of a pixel's area, in m; in degrees, at the grid's centre.

    None without a CRS.
    """
    if not grid.crs:
        return None
    crs = _crs(grid.crs)
    a, b, _, d, e, f = grid.transform
    side = abs(a * e - b * d) ** 0.5
    if not crs.is_geographic:
        return float(side * crs.linear_units_factor[1])
    latitude = d * grid.width / 2 + e * grid.height / 2 + f
    return float(side * METRES_PER_DEGREE * np.cos(np.radians(latitude)) ** 0.5)


def find_bands(path: str, sensor: Sensor, only: str | None) -> Part:
    """Which of the file's bands are the sensor's. only: the one band that the file's name tells.

    Bands are found by their names in the file; a file without names must have as many bands as
    the sensor. Raises UnreadableItem.
    """
    source = open_raster(path).source
    colours = source.colorinterp
    data = [i for i in source.indexes if colours[i - 1] != ColorInterp.alpha]
    wanted = [band_key(only)] if only else [band_key(band) for band in sensor.bands]
    known = [band_key(band) for band in sensor.bands]
    named = {band_key(source.descriptions[i - 1] or ""): i for i in data}
    if all(band in named for band in wanted):
        indexes = [named[band] for band in wanted]
    elif any(source.descriptions[i - 1] for i in data) and not only:
        found = ", ".join(name for name in named if name)
        raise UnreadableItem(path, f"the bands {', '.join(sensor.bands)}", f"the bands {found}")
    elif len(wanted) in (len(data), source.count):
        indexes = data if len(wanted) == len(data) else list(source.indexes)
    else:
        found = f"{len(data)} band{'s' * (len(data) != 1)} without names"
        raise UnreadableItem(path, f"the bands {', '.join(wanted)}", found)
    return Part(path, tuple(indexes), tuple(known.index(band) for band in wanted))


def find_mask(path: str, mask: PixelMask, only: str | None) -> Part | None:
    """Where the file holds the mask, if it does. only: the one band that the file's name tells."""
    if only:
        return Part(path, (1,), ()) if band_key(only) == band_key(mask.band) else None
    names = open_raster(path).source.descriptions
    for index, name in enumerate(names, start=1):
        if band_key(name or "") == band_key(mask.band):
            return Part(path, (index,), ())
    return None


def read_window(
    part: Part, sensor: Sensor, grid: Grid, window: Window
) -> tuple[np.ndarray, np.ndarray]:
    """Bands of `part` in `window` of `grid`: values (C, H, W) in the sensor's unit, valid (H, W).

    A file on another grid is warped to it, bilinearly (nearest for complex values).
    Raises UnreadableItem.
    """
    opened = open_raster(part.path)
    try:
        if opened.grid.same_as(grid):
            return _read(opened, part, sensor, window)
        if not (opened.grid.crs and grid.crs):
            raise UnreadableItem(
                part.path, "a CRS, to lay it on the grid of the other sensor", "none"
            )
        with closing(_warped(opened.source, sensor, grid)) as warped:
            # A warped view does not pass scales on.
            view = replace(Opened.of(warped), scales=opened.scales, offsets=opened.offsets)
            return _read(view, part, sensor, window)
    except RasterioError as error:
        raise UnreadableItem(part.path, "readable pixels", _reason(error)) from error


def read_mask(part: Part, mask: PixelMask, grid: Grid, window: Window) -> np.ndarray:
    """Pixels that may be used in `window` of `grid`, (H, W) bool.

    A mask on another grid gives each pixel its nearest value. What it does not cover is not used.
    Raises UnreadableItem.
    """
    nearest = Sensor(bands=(mask.band,))
    opened = open_raster(part.path)
    try:
        if opened.grid.same_as(grid):
            stored, covered = _stored(opened.source, part, window)
        elif opened.grid.crs and grid.crs:
            with closing(_warped(opened.source, nearest, grid, Resampling.nearest)) as warped:
                stored, covered = _stored(warped, part, window)
        else:
            raise UnreadableItem(part.path, "a CRS, to lay the mask on the sensor's grid", "none")
    except RasterioError as error:
        raise UnreadableItem(part.path, "readable pixels", _reason(error)) from error
    if not np.issubdtype(stored.dtype, np.integer):
        raise UnreadableItem(part.path, "whole numbers in a mask", str(stored.dtype))
    return np.asarray(covered & ~mask.leaves_out(stored))


def _stored(
    source: DatasetReader | WarpedVRT, part: Part, window: Window
) -> tuple[np.ndarray, np.ndarray]:
    """The one band of `part` as it is stored, and where there is any."""
    (index,) = part.indexes
    return source.read(index, window=window), source.read_masks(index, window=window) != 0


def _read(
    opened: Opened, part: Part, sensor: Sensor, window: Window
) -> tuple[np.ndarray, np.ndarray]:
    # Where float32 holds every stored value, GDAL converts while it copies.
    kind = "float32" if opened.exact else None
    stored = opened.source.read(list(part.indexes), window=window, out_dtype=kind)
    valid = _valid(opened, stored, sensor.nodata, window)
    values = stored.astype(np.complex64 if np.iscomplexobj(stored) else np.float32, copy=False)
    for row, index in enumerate(part.indexes):
        scale = opened.scales[index - 1] if sensor.scale is None else sensor.scale
        offset = opened.offsets[index - 1] if sensor.offset is None else sensor.offset
        if scale != 1:
            values[row] *= scale
        if offset != 0:
            values[row] += offset
    if valid is None:
        valid = np.ones(values.shape[1:], dtype=bool)
    elif not valid.all():
        values[:, ~valid] = 0
    return values, valid


def _valid(
    opened: Opened, stored: np.ndarray, nodata: float | None, window: Window
) -> np.ndarray | None:
    """(H, W) bool, None if nothing can be missing."""
    checks = []
    if not opened.integer:
        checks.append(np.isfinite(stored).all(axis=0))
    declared = opened.nodata if nodata is None else nodata
    if declared is not None and not np.isnan(declared):
        checks.append((stored != np.asarray(declared).astype(stored.dtype)).all(axis=0))
    if opened.masked:
        checks.append(opened.source.dataset_mask(window=window) != 0)
    return np.logical_and.reduce(checks) if checks else None


def _warped(
    source: DatasetReader,
    sensor: Sensor,
    grid: Grid,
    resampling: Resampling = Resampling.bilinear,
) -> WarpedVRT:
    nodata = source.nodata if sensor.nodata is None else sensor.nodata
    if nodata is None and source.dtypes[0].startswith("float"):
        nodata = float("nan")
    is_complex = source.dtypes[0].startswith("complex")
    masked = ColorInterp.alpha in source.colorinterp
    return WarpedVRT(
        source,
        crs=grid.crs,
        transform=Affine(*grid.transform),
        height=grid.height,
        width=grid.width,
        resampling=Resampling.nearest if is_complex else resampling,
        src_nodata=nodata,
        nodata=nodata,
        add_alpha=nodata is None and not masked and not is_complex,
    )


def _crs(wkt: str) -> rasterio.crs.CRS:
    return rasterio.crs.CRS.from_wkt(wkt) if wkt else rasterio.crs.CRS()


def _reason(error: Exception) -> str:
    """GDAL's own words, which often stand in the cause only."""
    text = str(error.__cause__ or error)
    return text.splitlines()[0] if text else type(error).__name__


def check_unit(path: str, values: np.ndarray, valid: np.ndarray, sensor: Sensor) -> None:
    """Refuse values that cannot be in the declared unit. Raises UnreadableItem."""
    if sensor.plausible is None or not valid.any():
        return
    low, high = sensor.plausible
    # Every fourth pixel tells as much, and this is done for every window.
    median = float(np.median(values[:, valid][:, ::4]))
    if not low <= median <= high:
        raise UnreadableItem(
            path,
            f"values in {sensor.unit}, with a median from {low:g} to {high:g}",
            f"a median of {median:.4g}; set scale and offset, or another sensor",
        )


def sensor_bands(
    parts: Sequence[Part], sensor: Sensor, grid: Grid, window: Window
) -> tuple[np.ndarray, np.ndarray]:
    """All bands of a sensor, from one file or from one file per band, without what its mask
    leaves out. Raises UnreadableItem."""
    own = [part for part in parts if part.rows]
    if len(own) == 1 and len(own[0].rows) == len(sensor.bands):
        values, valid = read_window(own[0], sensor, grid, window)
    else:
        read = [(part, *read_window(part, sensor, grid, window)) for part in own]
        shape = (len(sensor.bands), *read[0][2].shape)
        values = np.zeros(shape, dtype=read[0][1].dtype)
        valid = np.logical_and.reduce([one for _, _, one in read])
        for part, bands, _ in read:
            values[list(part.rows)] = bands * valid
    for part in parts:
        if sensor.mask and not part.rows:
            valid = valid & read_mask(part, sensor.mask, grid, window)
            values[:, ~valid] = 0
    check_unit(own[0].path, values, valid, sensor)
    return values, valid
