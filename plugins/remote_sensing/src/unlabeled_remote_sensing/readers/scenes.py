"""Scenes of one or more sensors, whole or window by window, in anything that rasterio opens.

Only headers are read to list them, and only one window at a time is read from them. Sensors of
unlike resolution or projection are laid on the grid of the reference sensor.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import pyarrow.compute as pc
from pydantic import Field, field_validator, model_validator
from rasterio.windows import Window

from unlabeled.contract import ChecksData, Glances, Preview, Previews, ReadsTargets
from unlabeled.data.items import Item, Items
from unlabeled.data.listing import FileRules
from unlabeled.data.sources import files_of
from unlabeled.errors import DataError
from unlabeled_remote_sensing.raster import Layer, MaskRaster, Raster, shifted
from unlabeled_remote_sensing.readers.data_checks import check_data
from unlabeled_remote_sensing.readers.entries import Entry
from unlabeled_remote_sensing.readers.grids import Grid, metres_per_pixel
from unlabeled_remote_sensing.readers.label_rasters import read_label_raster
from unlabeled_remote_sensing.readers.listing import Grouping, find_scenes
from unlabeled_remote_sensing.readers.memory import require_memory
from unlabeled_remote_sensing.readers.pairing import Scene
from unlabeled_remote_sensing.readers.pictures import previews_of
from unlabeled_remote_sensing.readers.windows import sensor_bands
from unlabeled_remote_sensing.sensors import KNOWN, Sensor

ENOUGH = 0.1
"""The share of a window that has data, below which training draws another one."""
DRAWS = 16

GLANCE = 4_000_000
"""Pixels of a glance at a scene."""


class Scenes(FileRules, ChecksData, Glances, Previews, ReadsTargets):
    """Folders of rasters, matched by their names or listed in a manifest."""

    sensors: dict[str, Sensor] = Field(
        {"S1": KNOWN["sentinel1"], "S2": KNOWN["sentinel2_l2a"]},
        min_length=1,
        description=f"by the name that the files use; {', '.join(KNOWN)}, or a declaration",
    )
    pattern: str | None = Field(
        "{scene}_{sensor}.tif",
        description="names with fields: scene, sensor, band, res, date …",
    )
    manifest: str | None = Field(
        None,
        description="a table with scene, sensor, path, maybe band, date, in place of `pattern`; "
        "include and exclude choose among its paths",
    )
    group: str | None = Field("scene", description="the field or column that splits keep together")
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
        found = find_scenes(Path(path), self, self._grouping)
        rows = [row for scene, entry in found.entries for row in self._rows(scene, entry)]
        columns = {name: [row[name] for row in rows] for name in _COLUMNS}
        wanted = f"scene that fits {self.manifest or self.pattern!r} with {', '.join(self.sensors)}"
        advice = [] if rows else ["Set reader.pattern or reader.sensors, or write a manifest."]
        items = found.listing.items(columns, found.notes + advice, of=wanted)
        table = items.table
        for name in ("source", "files"):
            # Windows of one scene share these, so they are stored once.
            place = table.column_names.index(name)
            table = table.set_column(place, name, pc.dictionary_encode(table[name]))
        return replace(items, table=table)

    def read(self, item: Item, rng: np.random.Generator | None = None) -> Raster:
        """One window of all its sensors, or the whole scene.

        With rng: a window drawn uniformly from the scene (items: scene) or from the window's own
        share of the scene (items: window). Raises UnreadableItem.
        """
        grid = self.grid(item)
        window = self._window(grid, item.metadata, rng)
        if (window.height, window.width) == (grid.height, grid.width):
            require_memory(str(files_of(item.source)[0]), grid, self.sensors)
        raster = self._read(item, window)
        if rng is None or self.window is None:
            return raster
        best, share = raster, share_with_data(raster)
        for _ in range(DRAWS):
            if share >= ENOUGH:
                break
            # The fill beside a scene is most of some windows: there is nothing to learn from.
            raster = self._read(item, self._anywhere(grid, rng))
            if share_with_data(raster) > share:
                best, share = raster, share_with_data(raster)
        return best

    def glance(self, item: Item) -> Raster:
        """The whole item; of a large scene a strip from side to side through its middle."""
        grid = self.grid(item)
        if self.items == "window" or grid.height * grid.width <= GLANCE:
            return self.read(item)
        rows = max(1, GLANCE // grid.width)
        return self.read_part(item, (grid.height - rows) // 2, 0, rows, grid.width)

    def check_data(self, sample: Raster) -> list[str]:
        """What is unusual in a scene: little data, dead bands, fill that is not declared."""
        return check_data(sample)

    def read_part(self, item: Item, row: int, column: int, height: int, width: int) -> Raster:
        """Any window of an item's scene, in pixels. Raises UnreadableItem."""
        window = Window(column, row, width, height)
        return read_scene(Entry.of(item), self.sensors, window)

    def read_target(self, item: Item, value: Path, like: Raster) -> MaskRaster:  # noqa: ARG002
        """A raster of class numbers on the pixels of `like`, which knows its place. Raises
        UnreadableItem."""
        return read_label_raster(str(value), like)

    def grid(self, item: Item) -> Grid:
        """Where the pixels of an item's scene lie."""
        return Entry.of(item).grid

    def previews(self, item: Item, sample: Raster) -> list[Preview]:  # noqa: ARG002
        """A composite of each sensor."""
        return previews_of(sample, self.sensors)

    def describe(self, items: Items) -> dict[str, Any]:  # noqa: ARG002 - all of it is declared
        """The sensors, for the encoder's setting of that name."""
        return {"sensors": dict(self.sensors)}

    @property
    def _grouping(self) -> Grouping:
        order = sorted(self.sensors, key=self._rank)
        return Grouping(
            dict(self.sensors),
            order,
            self.pattern or "{scene}_{sensor}.tif",
            self.manifest,
            self.time_tolerance_days,
            self.allow_missing,
        )

    def _rows(self, scene: Scene, entry: Entry) -> list[dict[str, Any]]:
        corners = [(0, 0)]
        if self.items == "window" and self.window is not None:
            corners = [
                (row, column)
                for row in self._starts(entry.grid.height)
                for column in self._starts(entry.grid.width)
            ]
        fields = {**scene.fields, "scene": scene.place}
        if self.group and self.group not in fields:
            raise DataError(f"reader.group: expected one of {sorted(fields)}, found {self.group}")
        stored = entry.to_json()
        return [
            {
                "id": f"{scene.id}#{row},{column}" if self.items == "window" else scene.id,
                "source": entry.source,
                "group": fields[self.group] if self.group else "",
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

    def _rank(self, sensor: str) -> tuple[bool, int]:
        reference = self.reference or next(iter(self.sensors))
        return sensor != reference, list(self.sensors).index(sensor)

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

    def _read(self, item: Item, window: Window) -> Raster:
        return self.read_part(item, window.row_off, window.col_off, window.height, window.width)

    def _anywhere(self, grid: Grid, rng: np.random.Generator) -> Window:
        assert self.window is not None
        sides = min(self.window, grid.height), min(self.window, grid.width)
        row, column = (
            int(rng.integers(length - side + 1))
            for length, side in zip((grid.height, grid.width), sides, strict=True)
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


_COLUMNS = ("id", "source", "group", "size", "files", "row", "column", "date")


def share_with_data(raster: Raster) -> float:
    """Of the sensor that has the least."""
    return min(float(layer.valid.mean()) for layer in raster.layers.values())


def read_scene(entry: Entry, sensors: Mapping[str, Sensor], window: Window) -> Raster:
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
