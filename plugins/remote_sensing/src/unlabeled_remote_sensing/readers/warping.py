"""Bands of a file on another grid, a window at a time.

GDAL's warper has one nodata value for all bands, lets a pixel through where only some bands lack
data, and takes any 8-bit fourth band for alpha. So it gets a view of just the bands that are asked
for, with their own nodata and mask, one view for each nodata value.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from xml.sax.saxutils import escape

import numpy as np
import rasterio
from rasterio.enums import Resampling
from rasterio.transform import Affine
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window

from unlabeled.errors import UnreadableItem
from unlabeled_remote_sensing.readers.files import Opened
from unlabeled_remote_sensing.readers.grids import Grid, crs_of, unwrapped

GDAL_NAMES = {
    "bool": "Byte",
    "uint8": "Byte",
    "complex_int16": "CInt16",
    "complex64": "CFloat32",
    "complex128": "CFloat64",
}


def read_warped(
    opened: Opened,
    indexes: Sequence[int],
    nodata: Sequence[float | None],
    grid: Grid,
    window: Window,
    resampling: Resampling,
) -> tuple[np.ndarray, np.ndarray]:
    """Bands in `window` of `grid`: values (C, H, W) as stored, and where all have data, (H, W).

    nodata: of each band. Complex values are taken from the nearest pixel.
    Raises UnreadableItem, RasterioError.
    """
    require_crs(opened, grid)
    kinds = [opened.source.dtypes[index - 1] for index in indexes]
    groups: dict[tuple[str, str], list[int]] = {}
    for place, (kind, value) in enumerate(zip(kinds, nodata, strict=True)):
        groups.setdefault((kind, repr(value)), []).append(place)
    read: dict[int, np.ndarray] = {}
    valid = np.ones((int(window.height), int(window.width)), dtype=bool)
    for (kind, _), places in groups.items():
        some = [indexes[place] for place in places]
        values, there = _warp(opened, some, kind, nodata[places[0]], grid, window, resampling)
        read.update(zip(places, values, strict=True))
        valid &= there
    return np.stack([read[place] for place in range(len(indexes))]), valid


def require_crs(opened: Opened, grid: Grid) -> None:
    """Raises UnreadableItem where grids differ and one of them is nowhere on Earth."""
    if opened.grid.crs and grid.crs:
        return
    found = "none"
    if opened.source.gcps[0]:
        found = "ground control points only; warp the file to a map first"
    raise UnreadableItem(
        opened.source.name, "a CRS, to lay it on the grid of the other sensor", found
    )


def _warp(
    opened: Opened,
    indexes: Sequence[int],
    kind: str,
    nodata: float | None,
    grid: Grid,
    window: Window,
    resampling: Resampling,
) -> tuple[np.ndarray, np.ndarray]:
    is_complex = kind.startswith("complex")
    if nodata is None and kind.startswith("float"):
        nodata = float("nan")
    mask = _mask_of(opened, indexes)
    target = unwrapped(grid)
    with (
        closing(rasterio.open(_view(opened, indexes, nodata, mask))) as view,
        closing(
            WarpedVRT(
                view,
                crs=crs_of(target.crs),
                transform=Affine(*target.transform),
                height=target.height,
                width=target.width,
                resampling=Resampling.nearest if is_complex else resampling,
                src_nodata=nodata,
                nodata=nodata,
                add_alpha=nodata is None and not is_complex,
                UNIFIED_SRC_NODATA="NO",
            )
        ) as warped,
    ):
        values = warped.read(list(range(1, len(indexes) + 1)), window=window)
        if nodata is None and not is_complex:
            return values, warped.read(len(indexes) + 1, window=window) != 0
    if nodata is None:
        # Complex views have no alpha band. Beside the file and in its gaps there are zeros.
        return values, (values != 0).any(axis=0)
    found = ~np.isnan(values) if np.isnan(nodata) else values != np.asarray(nodata, values.dtype)
    return values, found.all(axis=0)


def _mask_of(opened: Opened, indexes: Sequence[int]) -> str | None:
    if opened.alpha and opened.alpha not in indexes:
        return str(opened.alpha)
    return f"mask,{indexes[0]}" if opened.masked[indexes[0] - 1] else None


def _view(opened: Opened, indexes: Sequence[int], nodata: float | None, mask: str | None) -> str:
    """A virtual raster of some bands of a file, in GDAL's XML."""
    grid = unwrapped(opened.grid)
    a, b, c, d, e, f = grid.transform
    bands = "".join(
        _band(opened, str(index), opened.source.dtypes[index - 1], place, nodata)
        for place, index in enumerate(indexes, start=1)
    )
    masked = f"<MaskBand>{_band(opened, mask, 'uint8', 0, None)}</MaskBand>" if mask else ""
    return (
        f'<VRTDataset rasterXSize="{grid.width}" rasterYSize="{grid.height}">'
        f"<SRS>{escape(grid.crs)}</SRS>"
        f"<GeoTransform>{c!r}, {a!r}, {b!r}, {f!r}, {d!r}, {e!r}</GeoTransform>"
        f"{bands}{masked}</VRTDataset>"
    )


def _band(opened: Opened, source: str, kind: str, place: int, nodata: float | None) -> str:
    name = GDAL_NAMES.get(kind, kind[:1].upper() + kind[1:]).replace("Uint", "UInt")
    missing = "" if nodata is None else f"<NoDataValue>{nodata!r}</NoDataValue>"
    number = f' band="{place}"' if place else ""
    return (
        f'<VRTRasterBand dataType="{name}"{number}>{missing}<SimpleSource>'
        f'<SourceFilename relativeToVRT="0">{escape(opened.source.name)}</SourceFilename>'
        f"<SourceBand>{source}</SourceBand></SimpleSource></VRTRasterBand>"
    )
