"""Results of a whole scene as cloud-optimised GeoTIFF or as GeoParquet, written strip by strip."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import rasterio
from rasterio.crs import CRS
from rasterio.shutil import copy
from rasterio.transform import Affine
from rasterio.windows import Window

from unlabeled.atomic import new_file
from unlabeled_remote_sensing.raster import Transform, compose

BLOCK = 256


def write_geotiff(
    path: Path,
    strips: Iterable[np.ndarray],
    *,
    shape: tuple[int, int],
    transform: Transform,
    crs: str | None,
    bands: Sequence[str],
) -> None:
    """A cloud-optimised GeoTIFF, float32, NaN where there are no data.

    strips: (bands, rows, W) from the top, together of `shape` (H, W); crs: WKT.
    """
    with new_file(path) as final:
        plain = final.with_suffix(".plain.tif")
        with rasterio.open(
            plain,
            "w",
            driver="GTiff",
            height=shape[0],
            width=shape[1],
            count=len(bands),
            dtype="float32",
            crs=CRS.from_wkt(crs) if crs else None,
            transform=Affine(*transform),
            nodata=float("nan"),
            tiled=True,
            blockxsize=BLOCK,
            blockysize=BLOCK,
            compress="deflate",
            bigtiff="if_safer",
        ) as target:
            target.descriptions = tuple(bands)
            row = 0
            for strip in strips:
                target.write(strip, window=Window(0, row, shape[1], strip.shape[1]))
                row += strip.shape[1]
        copy(plain, final, driver="COG", compress="deflate", overviews="none")
        plain.unlink()


def write_geoparquet(
    path: Path, strips: Iterable[np.ndarray], *, transform: Transform, crs: str | None
) -> None:
    """GeoParquet 1.1 of strips (bands, rows, columns): one row per cell with data; geometry (its
    footprint, WKB), row, column, vector (float32 of fixed length). Arguments as those of
    `write_geotiff`."""
    with new_file(path) as final:
        writer = None
        row = 0
        for strip in strips:
            table = _table(strip, row, transform)
            if writer is None:
                schema = table.schema.with_metadata({b"geo": _geo(crs)})
                writer = pq.ParquetWriter(final, schema)
            writer.write_table(table.cast(writer.schema))
            row += strip.shape[1]
        if writer is not None:
            writer.close()


def _table(strip: np.ndarray, top: int, transform: Transform) -> pa.Table:
    there = ~np.isnan(strip).any(axis=0)
    places = np.argwhere(there)
    vectors = pa.array(strip[:, there].T.ravel())
    return pa.table(
        {
            "geometry": pa.array(
                [_footprint(transform, int(row) + top, int(column)) for row, column in places],
                pa.binary(),
            ),
            "row": pa.array(places[:, 0] + top, pa.int32()),
            "column": pa.array(places[:, 1], pa.int32()),
            "vector": pa.FixedSizeListArray.from_arrays(vectors, len(strip)),
        }
    )


def _footprint(transform: Transform, row: int, column: int) -> bytes:
    """A closed ring of five corners as a little-endian WKB polygon."""
    corners = [(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)]
    values = []
    for across, down in corners:
        place = compose(transform, (1, 0, column + across, 0, 1, row + down))
        values += [place[2], place[5]]
    return struct.pack("<BIII10d", 1, 3, 1, 5, *values)


def _geo(crs: str | None) -> bytes:
    projection = CRS.from_wkt(crs).to_dict(projjson=True) if crs else None
    column = {"encoding": "WKB", "geometry_types": ["Polygon"], "crs": projection}
    geo = {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": column}}
    return json.dumps(geo).encode()
