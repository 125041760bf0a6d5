"""The index entry of a scene: its grid, and the files of each sensor's bands."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from functools import lru_cache
from pathlib import Path

from unlabeled.data.items import Item
from unlabeled.data.sources import files_of, source_of
from unlabeled.errors import UnreadableItem
from unlabeled_remote_sensing.readers.bands import Calibration, Part, find_bands, find_mask
from unlabeled_remote_sensing.readers.files import grid_of, open_raster
from unlabeled_remote_sensing.readers.grids import Grid, coverage
from unlabeled_remote_sensing.readers.local import place_below
from unlabeled_remote_sensing.readers.pairing import Found, Scene
from unlabeled_remote_sensing.readers.warping import require_crs
from unlabeled_remote_sensing.sensors import Sensor, band_key


@dataclass(frozen=True, slots=True)
class Entry:
    """parts: of each sensor, the reference sensor first."""

    grid: Grid
    parts: Mapping[str, tuple[Part, ...]]

    @property
    def files(self) -> list[str]:
        """All of them, each once."""
        return list(dict.fromkeys(part.path for own in self.parts.values() for part in own))

    @property
    def source(self) -> str:
        """As an item names it."""
        return source_of([Path(path) for path in self.files])

    def to_json(self) -> str:
        """Without names of files, so that a moved folder has the same index."""
        grid = [self.grid.height, self.grid.width, self.grid.transform, self.grid.crs]
        files = self.files
        parts = {name: [_stored(part, files) for part in own] for name, own in self.parts.items()}
        return json.dumps({"grid": grid, "parts": parts})

    @classmethod
    def of(cls, item: Item) -> Entry:
        """That of an item of the index."""
        return _parsed(item.source, item.metadata["files"])


def make_entry(
    folder: Path, scene: Scene, sensors: Mapping[str, Sensor], order: Sequence[str]
) -> Entry:
    """From the headers of all files. order: of the sensors, the reference first.

    Raises UnreadableItem.
    """
    there = [name for name in order if name in scene.sensors]
    parts = {
        name: _parts_of(folder, scene.id, scene.sensors[name], sensors[name]) for name in there
    }
    first = [part for part in parts[there[0]] if part.rows]
    return Entry(max((grid_of(part.path) for part in first), key=_pixels), parts)


def least_coverage(entry: Entry) -> tuple[float, str]:
    """Of all files the least share of the scene's grid that one covers, and its sensor.

    Raises UnreadableItem where a file cannot be laid on the grid, or lies elsewhere.
    """
    least = (1.0, "")
    for name, own in entry.parts.items():
        for part in own:
            opened = open_raster(part.path)
            if opened.grid.same_as(entry.grid):
                continue
            require_crs(opened, entry.grid)
            share = coverage(entry.grid, opened.grid)
            if share == 0:
                raise UnreadableItem(part.path, "a file that overlaps the scene's others", "none")
            least = min(least, (share, name))
    return least


def _parts_of(folder: Path, scene: str, files: Iterable[Found], sensor: Sensor) -> tuple[Part, ...]:
    """Where a sensor's bands are, and its mask, if it has one. Raises UnreadableItem."""
    places = [(place_below(folder, file.path), file) for file in files]
    masks = [find_mask(place, sensor.mask, f.band) for place, f in places if sensor.mask]
    found = [mask for mask in masks if mask]
    if sensor.mask and len(found) != 1:
        raise UnreadableItem(
            places[0][0], f"one band {sensor.mask.band} to tell what to leave out", str(len(found))
        )
    bands = [
        find_bands(place, sensor, file.band, file.calibration)
        for place, file in places
        if not (file.band and sensor.mask and band_key(file.band) == band_key(sensor.mask.band))
    ]
    _require_each_once(scene, bands, sensor)
    return (*bands, *found)


def _require_each_once(scene: str, parts: Sequence[Part], sensor: Sensor) -> None:
    rows = sorted(row for part in parts for row in part.rows)
    if rows != list(range(len(sensor.bands))):
        found = ", ".join(sensor.bands[row] for row in rows)
        files = f" in {', '.join(Path(part.path).name for part in parts)}" * (len(parts) < 5)
        raise UnreadableItem(scene, f"each of {', '.join(sensor.bands)} once", f"{found}{files}")


def _stored(part: Part, files: Sequence[str]) -> list[object]:
    calibration = astuple(part.calibration) if part.calibration else None
    return [files.index(part.path), part.indexes, part.rows, calibration]


@lru_cache(maxsize=4096)
def _parsed(source: str, files: str) -> Entry:
    """Windows of one scene ask again and again."""
    places, stored = files_of(source), json.loads(files)
    height, width, transform, crs = stored["grid"]
    parts = {
        name: tuple(
            Part(
                str(places[number]),
                tuple(indexes),
                tuple(rows),
                Calibration(*calibration) if calibration else None,
            )
            for number, indexes, rows, calibration in own
        )
        for name, own in stored["parts"].items()
    }
    return Entry(Grid(height, width, tuple(transform), crs), parts)


def _pixels(grid: Grid) -> int:
    return grid.height * grid.width
