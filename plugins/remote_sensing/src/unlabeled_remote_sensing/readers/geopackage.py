"""Features of a GeoPackage: geometries with the values of one column, and their CRS.

Source: OGC 12-128r19, GeoPackage Encoding Standard 1.4, sections 1.1.2, 2.1; geometries are in the
well-known binary of ISO 13249-3, after a header of the GeoPackage's own. Only what a polygon needs
is read; no driver of vector files is among our dependencies.
"""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

from rasterio.crs import CRS
from rasterio.errors import CRSError

from unlabeled.errors import DataError

ENVELOPES = {0: 0, 1: 32, 2: 48, 3: 48, 4: 64}
"""Bytes of the bounding box in a geometry's header, by its kind."""
POLYGON, MULTIPOLYGON = 3, 6


def read_geopackage(path: Path) -> tuple[list[dict[str, Any]], CRS]:
    """All features as in GeoJSON, {"geometry", "properties"}; a geometry that is no polygon has
    its type alone. Raises DataError."""
    address = f"file:{quote(str(path.resolve()))}?mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(address, uri=True)) as file:
            table, column, srs = _layer(path, file)
            features = list(_features(file, table, column))
            return features, _crs(path, file, srs)
    except (sqlite3.Error, struct.error, ValueError) as error:
        raise DataError(f"{path}: expected a GeoPackage, found {error}") from error


def _layer(path: Path, file: sqlite3.Connection) -> tuple[str, str, int]:
    rows = file.execute(
        "SELECT table_name, column_name, srs_id FROM gpkg_geometry_columns"
    ).fetchall()
    if len(rows) != 1:
        names = ", ".join(str(row[0]) for row in rows) or "none"
        raise DataError(
            f"{path}: expected one layer of features, found {names}. Write the one that holds the "
            "labels to a file of its own."
        )
    table, column, srs = rows[0]
    return str(table), str(column), int(srs)


def _features(file: sqlite3.Connection, table: str, column: str) -> Iterator[dict[str, Any]]:
    quoted = '"' + table.replace('"', '""') + '"'
    cursor = file.execute(f"SELECT * FROM {quoted}")  # noqa: S608 - a name cannot be a parameter
    names = [description[0] for description in cursor.description]
    for row in cursor:
        values = dict(zip(names, row, strict=True))
        yield {"geometry": _geometry(values.pop(column)), "properties": values}


def _crs(path: Path, file: sqlite3.Connection, srs: int) -> CRS:
    row = file.execute(
        "SELECT organization, organization_coordsys_id, definition FROM gpkg_spatial_ref_sys "
        "WHERE srs_id = ?",
        (srs,),
    ).fetchone()
    try:
        if row and row[0].upper() == "EPSG":
            return CRS.from_epsg(row[1])
        return CRS.from_wkt(row[2] if row else "")
    except CRSError as error:
        raise DataError(f"{path}: expected a CRS of the polygons, found {row}") from error


def _geometry(blob: bytes | None) -> dict[str, Any] | None:
    if blob is None:
        return None
    if blob[:2] != b"GP":
        raise ValueError("a geometry without the header of a GeoPackage")
    start = 8 + ENVELOPES[blob[3] >> 1 & 7]
    return _Binary(blob, start).geometry()


class _Binary:
    """Well-known binary, read from `place` on."""

    def __init__(self, data: bytes, place: int) -> None:
        self.data, self.place = data, place

    def geometry(self) -> dict[str, Any]:
        order = "<" if self.data[self.place] else ">"
        self.place += 1
        (code,) = self.take(f"{order}I")
        # Z and M as in ISO (1000, 2000, 3000) or as in EWKB (the two highest bits).
        flags = code >> 30
        kind, more = code & 0xFFFF, (code & 0xFFFF) // 1000
        axes = 2 + bin(flags).count("1") + (0, 1, 1, 2)[more % 4]
        kind %= 1000
        if kind == POLYGON:
            return {"type": "Polygon", "coordinates": self.rings(order, axes)}
        if kind == MULTIPOLYGON:
            (count,) = self.take(f"{order}I")
            parts = [self.geometry()["coordinates"] for _ in range(count)]
            return {"type": "MultiPolygon", "coordinates": parts}
        return {"type": f"geometry {kind}", "coordinates": []}

    def rings(self, order: str, axes: int) -> list[list[tuple[float, float]]]:
        (count,) = self.take(f"{order}I")
        return [self.ring(order, axes) for _ in range(count)]

    def ring(self, order: str, axes: int) -> list[tuple[float, float]]:
        (count,) = self.take(f"{order}I")
        values = self.take(f"{order}{axes * count}d")
        return list(zip(values[::axes], values[1::axes], strict=True))

    def take(self, format: str) -> tuple[Any, ...]:
        found = struct.unpack_from(format, self.data, self.place)
        self.place += struct.calcsize(format)
        return found
