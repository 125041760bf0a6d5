"""Polygons with a class, of a GeoJSON or GeoPackage file, on the pixels of a scene."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rasterio.crs import CRS
from rasterio.errors import CRSError
from rasterio.features import bounds, rasterize
from rasterio.transform import Affine, array_bounds
from rasterio.warp import transform_bounds, transform_geom

from unlabeled.data.dense_target import UNKNOWN
from unlabeled.errors import DataError
from unlabeled_remote_sensing.raster import Raster
from unlabeled_remote_sensing.readers.geopackage import read_geopackage
from unlabeled_remote_sensing.readers.grids import Grid, crs_of

SUFFIXES = (".geojson", ".json", ".gpkg")
KINDS = ("Polygon", "MultiPolygon")
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Polygons:
    """P polygons. shapes: as in GeoJSON; classes: their names, None where a polygon has none;
    boxes: (P, 4) west, south, east, north; column: of the classes; notes: on what is left out."""

    shapes: list[dict[str, Any]]
    classes: list[str | None]
    boxes: np.ndarray
    crs: CRS
    column: str
    notes: tuple[str, ...] = ()

    def near(self, grid: Grid) -> np.ndarray:
        """Which of them, (P,) bool, may touch the pixels of `grid`. Raises DataError if it has no
        CRS."""
        west, south, east, north = _box(grid, self.crs)
        boxes = self.boxes.T
        return np.asarray(
            (boxes[0] <= east) & (boxes[2] >= west) & (boxes[1] <= north) & (boxes[3] >= south)
        )


def is_polygons(path: Path) -> bool:
    """By its ending."""
    return path.suffix.lower() in SUFFIXES


def read_polygons(path: Path, column: str | None) -> Polygons:
    """column: of the classes; the only one if None. Raises DataError."""
    features, crs = _geojson(path) if path.suffix != ".gpkg" else read_geopackage(path)
    kept = [each for each in features if (each.get("geometry") or {}).get("type") in KINDS]
    if not kept:
        raise DataError(f"{path}: expected polygons, found {len(features)} features without one")
    column = _column(path, kept, column)
    values = [(each.get("properties") or {}).get(column) for each in kept]
    classes = [None if value in (None, "") else str(value) for value in values]
    if not any(classes):
        raise DataError(f"{path}, column {column}: expected the class of polygons, found none")
    notes = []
    if other := len(features) - len(kept):
        notes.append(f"{other} of {len(features)} features are no polygons and are left out.")
    if without := classes.count(None):
        notes.append(
            f"{without} of {len(kept)} polygons have no {column}: their pixels are not labelled."
        )
    shapes = [each["geometry"] for each in kept]
    boxes = np.array([bounds(shape) for shape in shapes])
    return Polygons(shapes, classes, boxes, crs, column, tuple(notes))


def rasterised(
    polygons: Polygons, numbers: Mapping[str, int], like: Raster, *, outside: int, all_touched: bool
) -> tuple[np.ndarray, int]:
    """The class of each pixel, (H, W) int64, and how many pixels lie in polygons of two classes,
    which are unknown (-1), as those in polygons without one.

    numbers: by class name; outside: of pixels in no polygon; all_touched: whether a polygon takes
    all pixels that it touches, else those whose centre it covers. Raises DataError.
    """
    grid = Grid(*like.shape, like.transform, like.crs or "")
    near = np.flatnonzero(polygons.near(grid))
    found = np.full(like.shape, outside, np.int64)
    taken = np.zeros(like.shape, np.int64)
    for name in sorted({polygons.classes[i] for i in near}, key=str):
        shapes = [polygons.shapes[i] for i in near if polygons.classes[i] == name]
        inside = _inside(shapes, polygons.crs, like, all_touched)
        found[inside] = UNKNOWN if name is None else numbers[name]
        taken += inside
    found[taken > 1] = UNKNOWN
    return found, int((taken > 1).sum())


def _inside(
    shapes: Sequence[dict[str, Any]], crs: CRS, like: Raster, all_touched: bool
) -> np.ndarray:
    moved = transform_geom(crs, crs_of(like.crs or ""), shapes)
    return np.asarray(
        rasterize(
            moved,
            out_shape=like.shape,
            transform=Affine(*like.transform),
            all_touched=all_touched,
            dtype="uint8",
        ),
        bool,
    )


def _box(grid: Grid, crs: CRS) -> Box:
    if not grid.crs:
        raise DataError(
            "a scene has no CRS, so polygons cannot be laid on it. Give it one, or write masks."
        )
    own = array_bounds(grid.height, grid.width, Affine(*grid.transform))
    west, south, east, north = transform_bounds(crs_of(grid.crs), crs, *own)
    return west, south, east, north


def _geojson(path: Path) -> tuple[list[dict[str, Any]], CRS]:
    """RFC 7946: longitude and latitude, unless a `crs` of the older standard says otherwise."""
    try:
        read = json.loads(path.read_text(encoding="utf-8-sig"))
        features = read["features"] if read.get("type") == "FeatureCollection" else [read]
        named = (read.get("crs") or {}).get("properties", {}).get("name", "EPSG:4326")
        return list(features), CRS.from_user_input(named)
    except (OSError, ValueError, KeyError, AttributeError, CRSError) as error:
        raise DataError(f"{path}: expected GeoJSON with features, found {error}") from error


def _column(path: Path, features: Sequence[Mapping[str, Any]], column: str | None) -> str:
    names = list(dict.fromkeys(n for each in features for n in each.get("properties") or {}))
    if column is None and len(names) == 1:
        return str(names[0])
    if column is None or column not in names:
        wanted = f"a column {column!r}" if column else "one column with the class"
        raise DataError(
            f"{path}: expected {wanted}, found {', '.join(names) or 'none'}. "
            "Name it: --evaluation.assess.class-column NAME."
        )
    return column
