"""Windowed reads: a sensor's bands in its unit, and a mask of valid pixels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rasterio.enums import Resampling
from rasterio.errors import RasterioError
from rasterio.windows import Window

from unlabeled.errors import UnreadableItem
from unlabeled_remote_sensing.readers.bands import Part
from unlabeled_remote_sensing.readers.files import Opened, open_raster, reason
from unlabeled_remote_sensing.readers.grids import Grid
from unlabeled_remote_sensing.readers.warping import read_warped
from unlabeled_remote_sensing.sensors import PixelMask, Sensor


def read_window(
    part: Part, sensor: Sensor, grid: Grid, window: Window
) -> tuple[np.ndarray, np.ndarray]:
    """Bands of `part` in `window` of `grid`: values (C, H, W) in the sensor's unit, valid (H, W).

    A file on another grid is warped to it, bilinearly (nearest for complex values).
    Raises UnreadableItem.
    """
    opened = open_raster(part.path)
    nodata = [_nodata(opened, part, sensor, index) for index in part.indexes]
    stored, valid = stored_values(opened, part, nodata, grid, window, Resampling.bilinear)
    values = stored.astype(np.complex64 if np.iscomplexobj(stored) else np.float32, copy=False)
    for row, index in enumerate(part.indexes):
        scale, offset = _calibration(opened, part, sensor, index)
        if scale != 1:
            values[row] *= scale
        if offset != 0:
            values[row] += offset
    if valid is None:
        valid = np.ones(values.shape[1:], dtype=bool)
    elif not valid.all():
        values[:, ~valid] = 0
    return values, valid


def read_mask(part: Part, mask: PixelMask, grid: Grid, window: Window) -> np.ndarray:
    """Pixels that may be used in `window` of `grid`, (H, W) bool.

    A mask on another grid gives each pixel its nearest value. What it does not cover is not used.
    Raises UnreadableItem.
    """
    opened = open_raster(part.path)
    kinds = {opened.source.dtypes[index - 1] for index in part.indexes}
    if not all(np.issubdtype(kind, np.integer) for kind in kinds):
        raise UnreadableItem(part.path, "whole numbers in a mask", ", ".join(sorted(kinds)))
    nodata = [opened.nodata[index - 1] for index in part.indexes]
    stored, covered = stored_values(
        opened, part, nodata, grid, window, Resampling.nearest, exact=False
    )
    usable = ~mask.leaves_out(stored[0])
    return np.asarray(usable if covered is None else usable & covered)


def check_unit(path: str, values: np.ndarray, valid: np.ndarray, sensor: Sensor) -> None:
    """Refuse values (C, H, W) that cannot be in the declared unit. Raises UnreadableItem."""
    if sensor.plausible is None or not valid.any():
        return
    low, high = sensor.plausible
    # Every fourth pixel is enough, and this is done for every window.
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
    """All bands of a sensor (C, H, W), from one file or from one file per band, without what its
    mask leaves out. Raises UnreadableItem."""
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


def _nodata(opened: Opened, part: Part, sensor: Sensor, index: int) -> float | None:
    """The declared value, else the product's, else the band's own."""
    if sensor.nodata is not None:
        return sensor.nodata
    return part.calibration.nodata if part.calibration else opened.nodata[index - 1]


def _calibration(opened: Opened, part: Part, sensor: Sensor, index: int) -> tuple[float, float]:
    """Scale and offset: what is declared, else the product's, else the band's own."""
    scale, offset = opened.scales[index - 1], opened.offsets[index - 1]
    if part.calibration:
        scale, offset = part.calibration.scale, part.calibration.offset
    return (
        scale if sensor.scale is None else sensor.scale,
        offset if sensor.offset is None else sensor.offset,
    )


def stored_values(
    opened: Opened,
    part: Part,
    nodata: Sequence[float | None],
    grid: Grid,
    window: Window,
    resampling: Resampling,
    *,
    exact: bool = True,
) -> tuple[np.ndarray, np.ndarray | None]:
    """Values as the file holds them, (C, H, W), and where all bands have data, None: everywhere."""
    try:
        if not opened.grid.same_as(grid):
            return read_warped(opened, part.indexes, nodata, grid, window, resampling)
        # Where float32 holds every stored value, GDAL converts while it copies.
        kind = "float32" if opened.exact and exact else opened.kind
        stored = _read(opened, part.indexes, window, kind)
        return stored, _valid(opened, part, stored, nodata, window)
    except RasterioError as error:
        raise UnreadableItem(part.path, "readable pixels", reason(error)) from error


def _read(opened: Opened, indexes: Sequence[int], window: Window, kind: str) -> np.ndarray:
    if len(set(opened.source.dtypes)) == 1:
        return np.asarray(opened.source.read(list(indexes), window=window, out_dtype=kind))
    # rasterio refuses bands of unlike types in one read.
    return np.stack([opened.source.read(i, window=window, out_dtype=kind) for i in indexes])


def _valid(
    opened: Opened,
    part: Part,
    stored: np.ndarray,
    nodata: Sequence[float | None],
    window: Window,
) -> np.ndarray | None:
    """(H, W) bool, None if nothing can be missing."""
    checks = [] if opened.integer else [np.isfinite(stored).all(axis=0)]
    if len(set(nodata)) == 1:
        checks += [found.all(axis=0) for found in _unlike(stored, nodata[0])]
    else:
        pairs = zip(stored, nodata, strict=True)
        checks += [found for band, value in pairs for found in _unlike(band, value)]
    if opened.alpha and opened.alpha not in part.indexes:
        checks.append(opened.source.read(opened.alpha, window=window) != 0)
    for index in part.indexes:
        if opened.masked[index - 1]:
            checks.append(opened.source.read_masks(index, window=window) != 0)
    return np.logical_and.reduce(checks) if checks else None


def _unlike(stored: np.ndarray, nodata: float | None) -> list[np.ndarray]:
    """Where values are not `nodata`; nothing to check if none is, or none can be."""
    if nodata is None or np.isnan(nodata):
        return []
    if np.issubdtype(stored.dtype, np.integer):
        # A conversion would wrap: no pixel of a uint32 file has the value -9999.
        limits = np.iinfo(stored.dtype)
        if nodata % 1 or not limits.min <= nodata <= limits.max:
            return []
    return [stored != np.asarray(nodata).astype(stored.dtype)]
