"""Scenes of one or more sensors, whole or window by window, in anything that rasterio opens.

Only headers are read to list them, and only one window at a time is read from them. Sensors of
unlike resolution or projection are laid on the grid of the reference sensor.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import pyarrow as pa
from pydantic import Field, field_validator, model_validator
from rasterio.windows import Window

from unlabeled.data.items import Item, Items, Quarantined
from unlabeled.errors import DataError, UnreadableItem
from unlabeled.settings import Settings
from unlabeled_remote_sensing.raster import Layer, Raster, shifted
from unlabeled_remote_sensing.readers.bands import Part, find_bands, find_mask
from unlabeled_remote_sensing.readers.files import grid_of
from unlabeled_remote_sensing.readers.grids import Grid, metres_per_pixel
from unlabeled_remote_sensing.readers.local import place_below
from unlabeled_remote_sensing.readers.pairing import (
    Found,
    Scene,
    match_names,
    pair,
    read_manifest,
)
from unlabeled_remote_sensing.readers.windows import sensor_bands
from unlabeled_remote_sensing.sensors import KNOWN, Sensor, band_key


class Scenes(Settings):
    """Folders of rasters, matched by their names or listed in a manifest."""

    sensors: dict[str, Sensor] = Field(
        {"S1": KNOWN["sentinel1"], "S2": KNOWN["sentinel2_l2a"]},
        min_length=1,
        description=f"by the name that the files use; {', '.join(KNOWN)}, or a declaration",
    )
    pattern: str = Field("{scene}_{sensor}.tif", description="path below the data folder")
    manifest: str | None = Field(
        None, description="CSV with scene, sensor, path and maybe band, date; replaces the pattern"
    )
    exclude: tuple[str, ...] = Field((), description="globs of paths to leave out")
    group: str = Field("scene", description="the field of pattern or manifest that splits keep")
    reference: str | None = Field(
        None, description="the sensor whose grid the others are laid on; unset: the first"
    )
    time_tolerance_days: float | None = Field(
        None, ge=0, description="largest gap in time between sensors; unset: any"
    )
    allow_missing: bool = Field(False, description="keep scenes that lack some sensor")
    window: int | None = Field(None, ge=1, description="side of a window, in pixels; unset: whole")
    items: Literal["scene", "window"] = Field(
        "scene",
        description="scene: one item each, a random window of it while training; window: one "
        "item per window, so that large scenes are drawn as often as their area says",
    )
    overlap: int = Field(0, ge=0, description="of neighbouring windows, in pixels")

    @field_validator("sensors", mode="before")
    @classmethod
    def _by_name(cls, sensors: Any) -> Any:
        if not isinstance(sensors, Mapping):
            return sensors
        for name, sensor in sensors.items():
            if isinstance(sensor, str) and sensor not in KNOWN:
                raise ValueError(f"{name}: known sensors are {', '.join(KNOWN)}; found {sensor!r}")
        return {name: cls._sensor(name, sensor) for name, sensor in sensors.items()}

    @classmethod
    def _sensor(cls, name: str, sensor: Any) -> Any:
        if isinstance(sensor, str):
            return KNOWN[sensor]
        default = cls.model_fields["sensors"].default.get(name)
        if default and isinstance(sensor, Mapping) and "bands" not in sensor:
            # One setting of a sensor that the reader knows: the others stay.
            return {**default.model_dump(), **sensor}
        return sensor

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for name in self.sensors:
            if not re.fullmatch(r"[\w-]+", name):
                raise ValueError(f"sensors: a name has letters, digits, _ and -; found {name!r}")
        if self.reference is not None and self.reference not in self.sensors:
            raise ValueError(f"reference: expected one of {', '.join(self.sensors)}")
        if self.items == "window" and self.window is None:
            raise ValueError("items: window needs the side of a window, `window`")
        if self.window is not None and self.overlap >= self.window:
            raise ValueError(f"overlap ({self.overlap}) must be below window ({self.window})")
        return self

    def index(self, path: Path) -> Items:
        """List scenes, or their windows. Raises DataError if there is nothing to list."""
        path = Path(path)
        if not path.is_dir():
            raise DataError(f"{path}: expected a folder of rasters, found no folder")
        found, others = self._find(path)
        if not found:
            raise DataError(
                f"{path}: nothing fits {self.manifest or self.pattern!r} for the sensors "
                f"{', '.join(self.sensors)}. Set reader.pattern, or write a manifest."
            )
        rows: list[dict[str, Any]] = []
        quarantine: list[Quarantined] = []
        for scene in pair(found, self._reference, self.time_tolerance_days):
            try:
                rows += self._rows(path, scene)
            except UnreadableItem as error:
                source = Path(error.source)
                name = source.relative_to(path) if source.is_relative_to(path) else source
                quarantine.append(Quarantined(str(name), error.expected, error.found))
        columns: dict[str, Any] = {name: [row[name] for row in rows] for name in _COLUMNS}
        # Windows of one scene share this, so it is stored once.
        columns["files"] = pa.array(columns["files"], pa.string()).dictionary_encode()
        note = f"{others} files are of sensors that are not declared; they are left out"
        return Items.of(columns, quarantine, (note,) if others else ())

    def read(self, item: Item, rng: np.random.Generator | None = None) -> Raster:
        """One window of all its sensors, or the whole scene.

        With rng: a window drawn uniformly from the scene (items: scene) or from the window's own
        share of the scene (items: window). Raises UnreadableItem.
        """
        window = self._window(self.grid(item), item.metadata, rng)
        return self.read_part(item, window.row_off, window.col_off, window.height, window.width)

    def read_part(self, item: Item, row: int, column: int, height: int, width: int) -> Raster:
        """Any window of an item's scene, in pixels. Raises UnreadableItem."""
        window = Window(column, row, width, height)
        return read_scene(_Entry.of(item), self.sensors, window)

    def grid(self, item: Item) -> Grid:
        """Where the pixels of an item's scene lie."""
        return _Entry.of(item).grid

    def describe(self, items: Items) -> dict[str, Any]:  # noqa: ARG002 - all of it is declared
        """The sensors, for the encoder's setting of that name."""
        return {"sensors": dict(self.sensors)}

    @property
    def _reference(self) -> str:
        return self.reference or next(iter(self.sensors))

    def _find(self, path: Path) -> tuple[list[Found], int]:
        names = list(self.sensors)
        if self.manifest:
            return read_manifest(path / self.manifest, names)
        files = (file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file())
        kept = sorted(f for f in files if not any(fnmatch(f, glob) for glob in self.exclude))
        return match_names(kept, self.pattern, names)

    def _rows(self, path: Path, scene: Scene) -> list[dict[str, Any]]:
        entry = self._entry(path, scene)
        corners = [(0, 0)]
        if self.items == "window" and self.window is not None:
            corners = [
                (row, column)
                for row in self._starts(entry.grid.height)
                for column in self._starts(entry.grid.width)
            ]
        fields = {"scene": scene.id.split("@")[0], **scene.fields}
        if self.group not in fields:
            raise DataError(f"reader.group: expected one of {sorted(fields)}, found {self.group}")
        stored = entry.to_json()
        return [
            {
                "id": f"{scene.id}#{row},{column}" if self.items == "window" else scene.id,
                "source": entry.source,
                "group": fields[self.group],
                "size": self._size(entry.grid),
                "files": stored,
                "row": row,
                "column": column,
                "date": scene.date.isoformat() if scene.date else None,
            }
            for row, column in corners
        ]

    def _size(self, grid: Grid) -> int:
        if self.items == "scene" or self.window is None:
            return grid.height * grid.width
        return min(self.window, grid.height) * min(self.window, grid.width)

    def _entry(self, path: Path, scene: Scene) -> _Entry:
        missing = [name for name in self.sensors if name not in scene.sensors]
        if missing and not self.allow_missing:
            found = ", ".join(scene.sensors)
            raise UnreadableItem(scene.id, f"the sensors {', '.join(self.sensors)}", found)
        parts = {
            name: _parts_of(path, files, self.sensors[name])
            for name, files in sorted(scene.sensors.items(), key=lambda pair: self._rank(pair[0]))
        }
        for name, own in parts.items():
            rows = sorted(row for part in own for row in part.rows)
            if rows != list(range(len(self.sensors[name].bands))):
                bands = self.sensors[name].bands
                found = ", ".join(bands[row] for row in rows)
                raise UnreadableItem(scene.id, f"each of {', '.join(bands)} once", found)
        first = [part for part in next(iter(parts.values())) if part.rows]
        return _Entry(max((grid_of(part.path) for part in first), key=_pixels), parts)

    def _rank(self, sensor: str) -> tuple[bool, int]:
        return sensor != self._reference, list(self.sensors).index(sensor)

    def _starts(self, length: int) -> list[int]:
        """Where windows begin along an axis; the last one is moved back inside."""
        assert self.window is not None
        last = max(length - self.window, 0)
        count = -(-last // (self.window - self.overlap)) + 1
        return [min(i * (self.window - self.overlap), last) for i in range(count)]

    def _window(
        self, grid: Grid, metadata: Mapping[str, Any], rng: np.random.Generator | None
    ) -> Window:
        height, width = grid.height, grid.width
        if self.window is None or (rng is None and self.items == "scene"):
            return Window(0, 0, width, height)
        sides = min(self.window, height), min(self.window, width)
        row, column = (
            self._start(int(metadata[name]), length, rng)
            for name, length in (("row", height), ("column", width))
        )
        return Window(column, row, sides[1], sides[0])

    def _start(self, start: int, length: int, rng: np.random.Generator | None) -> int:
        """The window's own start, or one drawn from its share of all starts along the axis."""
        assert self.window is not None
        if rng is None:
            return start
        choices = max(length - self.window, 0) + 1
        if self.items == "scene":
            return int(rng.integers(choices))
        starts = self._starts(length)
        index = starts.index(start)
        low, high = (k * choices // len(starts) for k in (index, index + 1))
        return int(rng.integers(low, max(high, low + 1)))


def _parts_of(path: Path, files: Sequence[Found], sensor: Sensor) -> tuple[Part, ...]:
    """Where a sensor's bands are, and its mask, if it has one. Raises UnreadableItem."""
    places = [(place_below(path, file.path), file.band) for file in files]
    masks = [find_mask(place, sensor.mask, band) for place, band in places if sensor.mask]
    found = [mask for mask in masks if mask]
    if sensor.mask and len(found) != 1:
        raise UnreadableItem(
            places[0][0], f"one band {sensor.mask.band} to tell what to leave out", str(len(found))
        )
    bands = [
        find_bands(place, sensor, band)
        for place, band in places
        if not (band and sensor.mask and band_key(band) == band_key(sensor.mask.band))
    ]
    return (*bands, *found)


_COLUMNS = ("id", "source", "group", "size", "files", "row", "column", "date")


@dataclass(frozen=True, slots=True)
class _Entry:
    """What the index remembers of a scene, the reference sensor first."""

    grid: Grid
    parts: Mapping[str, tuple[Part, ...]]

    @property
    def source(self) -> str:
        return next(iter(self.parts.values()))[0].path

    def to_json(self) -> str:
        """Paths are kept relative to the source, so that a moved folder has the same index."""
        folder = Path(self.source).parent
        grid = [self.grid.height, self.grid.width, self.grid.transform, self.grid.crs]
        parts = {
            name: [[os.path.relpath(part.path, folder), part.indexes, part.rows] for part in own]
            for name, own in self.parts.items()
        }
        return json.dumps({"grid": grid, "parts": parts})

    @classmethod
    def of(cls, item: Item) -> _Entry:
        return _parsed(item.source, item.metadata["files"])


@lru_cache(maxsize=4096)
def _parsed(source: str, files: str) -> _Entry:
    """Windows of one scene ask again and again."""
    folder, stored = Path(source).parent, json.loads(files)
    height, width, transform, crs = stored["grid"]
    parts = {
        name: tuple(
            Part(os.path.normpath(folder / path), tuple(indexes), tuple(rows))
            for path, indexes, rows in own
        )
        for name, own in stored["parts"].items()
    }
    return _Entry(Grid(height, width, tuple(transform), crs), parts)


def read_scene(entry: _Entry, sensors: Mapping[str, Sensor], window: Window) -> Raster:
    """One window of every sensor of a scene. Raises UnreadableItem."""
    grid = entry.grid
    layers = {
        name: Layer(*sensor_bands(parts, sensors[name], grid, window))
        for name, parts in entry.parts.items()
    }
    return Raster(
        layers,
        shifted(grid.transform, int(window.row_off), int(window.col_off)),
        grid.crs or None,
        metres_per_pixel(grid),
    )


def _pixels(grid: Grid) -> int:
    return grid.height * grid.width
