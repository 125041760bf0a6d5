"""The masks of labelled scenes: rasters of classes, or polygons, on the pixels of each scene."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa

from unlabeled.contract import LabelledItems, ReadsTargets, Source
from unlabeled.data.dense_target import UNKNOWN, DenseTarget
from unlabeled.data.items import Item, Items
from unlabeled.data.labels import Labels
from unlabeled.data.sources import files_of
from unlabeled.errors import DataError, RunError
from unlabeled_remote_sensing.raster import Raster
from unlabeled_remote_sensing.readers.entries import Entry
from unlabeled_remote_sensing.readers.polygons import (
    Polygons,
    is_polygons,
    rasterised,
    read_polygons,
)

RASTERS = (".tif", ".tiff", ".png", ".jp2", ".img", ".vrt")
OUTSIDE = "outside of polygons"


@dataclass(slots=True, eq=False)
class Masks:
    """Masks of N labels.

    paths: (N,) files; polygons: by file, empty where masks are rasters; numbers: of their classes;
    left_out: pixels so far that do not count, by reason.
    """

    source: Source
    paths: list[Path]
    polygons: Mapping[Path, Polygons]
    ignore: tuple[int, ...]
    outside: Literal["class", "unknown"]
    all_touched: bool
    left_out: Counter[str] = field(default_factory=Counter)
    pixels: int = 0

    @property
    def numbers(self) -> dict[str, int]:
        """Of the polygons' classes, from 1 on."""
        names = {name for each in self.polygons.values() for name in each.classes if name}
        return {name: number for number, name in enumerate(sorted(names), start=1)}

    def name(self, number: int) -> str:
        """Of a class."""
        names = {number: name for name, number in self.numbers.items()}
        return names.get(number, OUTSIDE) if self.polygons else str(number)

    def read(self, place: int, item: Item, scene: Raster) -> np.ndarray:
        """Classes of a scene's pixels, (H, W) int64, -1 where they do not count. Raises
        UnreadableItem and DataError."""
        path = self.paths[place]
        if self.polygons:
            outside = 0 if self.outside == "class" else UNKNOWN
            mask, twice = rasterised(
                self.polygons[path],
                self.numbers,
                scene,
                outside=outside,
                all_touched=self.all_touched,
            )
            self.left_out["in polygons of two classes"] += twice
        else:
            assert isinstance(self.source.reader, ReadsTargets)
            read = self.source.reader.read_target(item, path, scene)
            assert isinstance(read, DenseTarget)
            mask, twice = read.classes(), 0
        return self._counted(mask, scene, twice)

    def _counted(self, mask: np.ndarray, scene: Raster, twice: int) -> np.ndarray:
        ignored = np.isin(mask, self.ignore) & (mask != UNKNOWN)
        unknown = mask == UNKNOWN
        # Where one sensor has no data, encoders of that sensor have nothing to go by.
        empty = ~np.logical_and.reduce([layer.valid for layer in scene.layers.values()])
        self.pixels += mask.size
        self.left_out["not labelled"] += int(unknown.sum()) - twice
        self.left_out["of ignored classes"] += int(ignored.sum())
        self.left_out["labelled but without data"] += int((empty & ~unknown & ~ignored).sum())
        return np.where(ignored | empty, UNKNOWN, mask)

    def notes(self) -> list[str]:
        """What does not count, and why."""
        notes = [note for each in self.polygons.values() for note in each.notes]
        shown = [f"{count} {reason}" for reason, count in self.left_out.items() if count]
        if shown:
            notes.append(f"Of {self.pixels} pixels some do not count: {', '.join(shown)}.")
        return notes


def masks_of(
    source: Source,
    labels: LabelledItems,
    *,
    class_column: str | None,
    ignore: tuple[int, ...],
    outside: Literal["class", "unknown"],
    all_touched: bool,
) -> Masks:
    """The files that the target column names. Raises DataError and RunError."""
    if labels.unit != "items":
        raise DataError(f"segmentation: expected labels of whole items, found of {labels.unit}")
    if len(labels.targets) != 1:
        raise DataError(
            f"segmentation: expected one column of masks, found {', '.join(labels.targets)}. "
            "Choose one by --target."
        )
    paths = [_file(labels, place) for place in range(len(labels.rows))]
    vectors = [is_polygons(path) for path in paths]
    if any(vectors) != all(vectors):
        raise DataError(
            f"{labels.where(np.flatnonzero(vectors))}: expected rasters of classes, as in other "
            "rows, found polygons. Make two tables of them."
        )
    if not any(vectors) and not isinstance(source.reader, ReadsTargets):
        raise RunError("segmentation: the reader of this run reads no masks")
    polygons = {path: read_polygons(path, class_column) for path in set(paths) if any(vectors)}
    return Masks(source, paths, polygons, ignore, outside, all_touched)


def _file(labels: LabelledItems, place: int) -> Path:
    (target,) = labels.targets
    value = labels.table[target][place].as_py()
    path = labels.folder / str(value)
    if isinstance(value, str) and path.is_file():
        return path
    raise DataError(
        f"{labels.where([place])}, column {target}: expected one file, a raster of classes or "
        f"polygons, relative to the table's folder; found {value!r}"
    )


def find_masks(path: Path, items: Items, class_column: str | None) -> Labels:
    """A table of labels: of a file of polygons the scenes that they may touch, of a folder the
    rasters that are named like scenes. Raises DataError."""
    if path.is_dir():
        return _of_folder(path, items)
    if not is_polygons(path):
        raise DataError(
            f"{path}: expected a table, a folder of rasters of classes, or polygons (.geojson, "
            ".gpkg)"
        )
    polygons = read_polygons(path, class_column)
    rows = [n for n, item in enumerate(items) if polygons.near(Entry.of(item).grid).any()]
    if not rows:
        raise DataError(f"{path}: no polygon lies in one of {len(items)} scenes")
    return _table(items, rows, polygons.column, [path.name] * len(rows), path.name)


def _of_folder(folder: Path, items: Items) -> Labels:
    """Of a scene rome/tile7, whole or by windows, rome/tile7.tif, else the only tile7.tif."""
    own = {
        str(file)
        for source in items.table["source"].unique().to_pylist()
        for file in files_of(source)
    }
    files = [
        file
        for file in sorted(folder.rglob("*"))
        if file.suffix.lower() in RASTERS and str(file) not in own
    ]
    by_path = {file.relative_to(folder).with_suffix("").as_posix(): file for file in files}
    counts = Counter(file.stem for file in files)
    by_stem = {file.stem: file for file in files if counts[file.stem] == 1}
    rows, values = [], []
    for row, name in enumerate(items.table["id"].to_pylist()):
        scene = name.rsplit("#", 1)[0]
        file = by_path.get(scene) or by_stem.get(scene.rsplit("/", 1)[-1])
        if file is not None:
            rows.append(row)
            values.append(file.relative_to(folder).as_posix())
    if not rows:
        raise DataError(
            f"{folder}: expected rasters of classes that are named like the scenes, such as "
            f"{items[0].id}.tif, found {len(files)} other rasters"
        )
    return _table(items, rows, "mask", values, folder.name)


def _table(items: Items, rows: list[int], target: str, values: list[str], name: str) -> Labels:
    ids = items.table["id"].take(rows)
    table = pa.table({"item": ids, target: pa.array(values, pa.string())})
    return Labels(table, np.arange(1, len(rows) + 1), name)
