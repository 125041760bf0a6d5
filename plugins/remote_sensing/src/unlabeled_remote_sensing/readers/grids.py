"""Grids of rasters on the Earth, and the coverage of one by another."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import rasterio
import rasterio.warp
from rasterio.io import DatasetReader
from rasterio.transform import Affine

from unlabeled_remote_sensing.raster import Transform

METRES_PER_DEGREE = 111_320.0
LATTICE = 24
"""Places along each axis at which coverage is sampled."""


@dataclass(frozen=True, slots=True)
class Grid:
    """The grid of a file. crs: WKT, empty if the file gives none."""

    height: int
    width: int
    transform: Transform
    crs: str

    @classmethod
    def of(cls, source: DatasetReader) -> Grid:
        """From a header."""
        crs = source.crs.to_wkt() if source.crs else ""
        a, b, c, d, e, f = tuple(source.transform)[:6]
        return cls(source.height, source.width, (a, b, c, d, e, f), crs)

    def same_as(self, other: Grid) -> bool:
        """Pixel upon pixel, to a thousandth of a pixel."""
        if self == other:
            return True
        size = max(abs(value) for value in (*self.transform[:2], *self.transform[3:5]))
        near = np.allclose(self.transform, other.transform, rtol=0, atol=size / 1000)
        return (
            (self.height, self.width) == (other.height, other.width)
            and near
            and (self.crs == other.crs or crs_of(self.crs) == crs_of(other.crs))
        )


def crs_of(wkt: str) -> rasterio.crs.CRS:
    """The CRS of a grid, an empty one where it says none."""
    return rasterio.crs.CRS.from_wkt(wkt) if wkt else rasterio.crs.CRS()


@lru_cache(maxsize=1024)
def metres_per_pixel(grid: Grid) -> float | None:
    """The side of a square of a pixel's area, in m; in degrees, at the grid's centre.

    None without a CRS.
    """
    if not grid.crs:
        return None
    crs = crs_of(grid.crs)
    a, b, _, d, e, f = grid.transform
    side = abs(a * e - b * d) ** 0.5
    if not crs.is_geographic:
        return float(side * crs.linear_units_factor[1])
    latitude = d * grid.width / 2 + e * grid.height / 2 + f
    return float(side * METRES_PER_DEGREE * np.cos(np.radians(latitude)) ** 0.5)


@lru_cache(maxsize=1024)
def unwrapped(grid: Grid) -> Grid:
    """The same pixels, counted from the antimeridian where they cross it.

    Longitudes beyond ±180 degrees come back from a projection on the other side of the world, so
    that everything behind the antimeridian would have no data.
    """
    crs = crs_of(grid.crs)
    a, b, c, d, e, f = grid.transform
    places = [c + a * x + b * y for x in (0, grid.width) for y in (0, grid.height)]
    if not crs.is_geographic or (min(places) >= -180 and max(places) <= 180):
        return grid
    turn = 360.0 * round((min(places) + max(places)) / 720.0)
    side = 180.0 if (min(places) + max(places)) / 2 - turn > 0 else -180.0
    moved, count = re.subn(
        r'PRIMEM\["[^"]*",\s*0(\.0*)?[^\[\]]*(\[[^\]]*\][^\[\]]*)*\]',
        f'PRIMEM["antimeridian",{side:g}]',
        grid.crs,
        count=1,
    )
    if not count:
        return grid
    return Grid(grid.height, grid.width, (a, b, c - turn - side, d, e, f), moved)


def coverage(grid: Grid, other: Grid) -> float:
    """The share of `grid` that lies within `other`, to about a hundredth; both have a CRS."""
    grid, other = unwrapped(grid), unwrapped(other)
    across, down = (
        (np.arange(LATTICE) + 0.5) / LATTICE * length for length in (grid.width, grid.height)
    )
    columns, rows = (axis.ravel() for axis in np.meshgrid(across, down))
    x, y = _apply(grid.transform, columns, rows)
    x, y = rasterio.warp.transform(crs_of(grid.crs), crs_of(other.crs), x, y)
    back = tuple(~Affine(*other.transform))
    columns, rows = _apply(back, np.asarray(x), np.asarray(y))
    inside = (columns >= 0) & (columns <= other.width) & (rows >= 0) & (rows <= other.height)
    return float(inside.mean())


def _apply(
    transform: Sequence[float], x: np.ndarray, y: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    a, b, c, d, e, f = transform[:6]
    return a * x + b * y + c, d * x + e * y + f
