"""Open rasters, kept open: opening costs up to half of a read.

A few per thread and process, because a dataset must not be shared between threads and a file
position not between processes.
"""

from __future__ import annotations

import os
import resource
import threading
import warnings
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import rasterio
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.io import DatasetReader

from unlabeled.errors import UnreadableItem
from unlabeled_remote_sensing.readers.grids import Grid
from unlabeled_remote_sensing.readers.local import require_local
from unlabeled_remote_sensing.sensors import band_key

OPEN_FILES = min(1024, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 4)
"""Per thread; a process may usually have 1024."""
EXACT_IN_FLOAT32 = {"uint8", "int8", "uint16", "int16", "float32"}
ALPHA_NAMES = {"", "ALPHA", "A", "MASK"}
_local = threading.local()
# Getting the process id at every read would cost a tenth of its time.
os.register_at_fork(after_in_child=lambda: _local.__dict__.clear())


@dataclass(frozen=True, slots=True)
class Opened:
    """An open file, with properties that GDAL takes as long to give as a small read.

    kind: of numbers, that holds those of all bands; exact: whether float32 holds its values;
    integer: whether they are; alpha: the band that says where the others have data, if one does;
    masked, nodata, scales, offsets: one per band; masked: whether the file keeps a mask of it.
    """

    source: DatasetReader
    grid: Grid
    kind: str
    exact: bool
    integer: bool
    alpha: int | None
    masked: tuple[bool, ...]
    nodata: tuple[float | None, ...]
    scales: tuple[float, ...]
    offsets: tuple[float, ...]

    @classmethod
    def of(cls, source: DatasetReader) -> Opened:
        """Read from the header only."""
        return cls(
            source,
            Grid.of(source),
            kind=_kind(source.dtypes),
            exact=set(source.dtypes) <= EXACT_IN_FLOAT32,
            integer=all(kind.lstrip("u").startswith("int") for kind in source.dtypes),
            alpha=_alpha(source),
            masked=tuple(map(_masked, source.mask_flag_enums)),
            nodata=source.nodatavals,
            scales=source.scales,
            offsets=source.offsets,
        )


def open_raster(path: str) -> Opened:
    """A handle of this thread; closed when others have been used more recently.

    Raises UnreadableItem.
    """
    handles: OrderedDict[str, Opened] = _local.__dict__.setdefault("handles", OrderedDict())
    if path not in handles:
        require_local(path)
        handles[path] = _open(path)
        if len(handles) > OPEN_FILES:
            handles.popitem(last=False)[1].source.close()
    handles.move_to_end(path)
    return handles[path]


def grid_of(path: str) -> Grid:
    """From the header. Raises UnreadableItem."""
    return open_raster(path).grid


def reason(error: Exception) -> str:
    """GDAL's own words, which often stand in the cause only."""
    text = str(error.__cause__ or error)
    return text.splitlines()[0] if text else type(error).__name__


def _open(path: str) -> Opened:
    try:
        # Not with GTIFF_DIRECT_IO, which is faster but reads the missing part of a truncated file
        # as zeros.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            return Opened.of(rasterio.open(path, sharing=False))
    except RasterioError as error:
        raise UnreadableItem(path, "a raster that rasterio opens", reason(error)) from error


def _kind(dtypes: Sequence[str]) -> str:
    """Of numbers that hold those of all bands; rasterio itself refuses unlike ones."""
    known = [{"complex_int16": "complex64"}.get(kind, kind) for kind in dtypes]
    return str(np.result_type(*known))


def _alpha(source: DatasetReader) -> int | None:
    """GDAL takes the fourth band of any 8-bit file for alpha, also where it is a named one."""
    for index, colour in zip(source.indexes, source.colorinterp, strict=True):
        name = band_key(source.descriptions[index - 1] or "")
        if colour == ColorInterp.alpha and name in ALPHA_NAMES:
            return int(index)
    return None


def _masked(flags: list[MaskFlags]) -> bool:
    """A mask of the file's own: neither alpha, which may be a band, nor made from nodata."""
    made = {MaskFlags.all_valid, MaskFlags.nodata, MaskFlags.alpha}
    return not made & set(flags)
