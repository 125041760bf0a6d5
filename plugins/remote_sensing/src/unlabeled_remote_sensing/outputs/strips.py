"""A result computed strip by strip, each stored in a file until all are done. An interrupted call
loses at most one strip, and a later one resumes after the last. Only one strip is in memory at a
time.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from unlabeled.atomic import write_bytes, write_json
from unlabeled.progress import progress
from unlabeled_remote_sensing.outputs.tiles import Tile, Tiling

Compute: TypeAlias = Callable[[Sequence[Tile]], Iterator[np.ndarray]]
"""The results of a row of tiles, each (bands, cells down, cells across), margins included."""


def compute_strips(
    folder: Path,
    tiling: Tiling,
    plan: Mapping[str, Any],
    compute: Compute,
    bands: int,
) -> Iterator[np.ndarray]:
    """Every strip, (bands, rows, columns) float32, from the top; `folder` is deleted at the end.
    plan: JSON-able, everything that the result depends on; strips of another plan are not used.
    """
    _prepare(folder, plan)
    rows = tiling.rows()
    with progress("tiles", sum(map(len, rows)), "tiles") as advance:
        for number, tiles in enumerate(rows):
            path = folder / f"strip-{number:06d}.npy"
            if not path.exists():
                write_bytes(path, _stored(_strip(tiling, tiles, compute(tiles), bands)))
            advance(len(tiles))
    for number in range(len(rows)):
        yield np.load(folder / f"strip-{number:06d}.npy", allow_pickle=False)
    shutil.rmtree(folder)


def _strip(
    tiling: Tiling, tiles: Sequence[Tile], results: Iterator[np.ndarray], bands: int
) -> np.ndarray:
    top, bottom = tiles[0].rows
    strip = np.full((bands, bottom - top, tiling.shape[1]), np.nan, dtype=np.float32)
    for tile, result in zip(tiles, results, strict=True):
        (row, column), (left, right) = tile.first, tile.columns
        strip[:, :, left:right] = result[
            :, row : row + bottom - top, column : column + right - left
        ]
    return strip


def _prepare(folder: Path, plan: Mapping[str, Any]) -> None:
    digest = hashlib.sha256(json.dumps(plan, sort_keys=True).encode()).hexdigest()
    marker = folder / "plan.json"
    if marker.exists() and json.loads(marker.read_text()) == {"plan": digest}:
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    write_json(marker, {"plan": digest})


def _stored(strip: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, strip, allow_pickle=False)
    return buffer.getvalue()
