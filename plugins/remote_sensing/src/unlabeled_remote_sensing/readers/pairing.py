"""Files joined into scenes, whose ids do not change when files are added.

An id consists of the place (the scene's name with the parts of the path that distinguish it) and,
if files have dates, the date of the reference sensor.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

from unlabeled.errors import DataError
from unlabeled_remote_sensing.readers.bands import Calibration
from unlabeled_remote_sensing.readers.dates import date_text
from unlabeled_remote_sensing.sensors import band_key

NO_PARTNER = "without an acquisition of {} to join, within reader.time_tolerance_days"


@dataclass(frozen=True, slots=True)
class Found:
    """One file. path: below the data folder; place: what files of one scene share; label: of the
    place, in ids; resolution: in m, where the name tells it; calibration: the product's."""

    path: str
    place: str
    sensor: str
    band: str | None = None
    date: datetime | None = None
    resolution: float | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    label: str = ""
    calibration: Calibration | None = None


@dataclass(frozen=True, slots=True)
class Scene:
    """The files of each sensor that belong together."""

    id: str
    place: str
    date: datetime | None
    fields: Mapping[str, str]
    sensors: Mapping[str, tuple[Found, ...]]


Taken = dict[tuple[str, datetime | None], list[Found]]
"""The files of one place, by sensor and date."""


def pair(
    found: Sequence[Found], reference: str, tolerance_days: float | None, *, alone: bool = False
) -> tuple[list[Scene], list[Found]]:
    """Join files into scenes. Returns them, and the files that are in none.

    Without dates all files of a place belong together. With dates every acquisition of the
    `reference` sensor makes a scene, with the other sensors' acquisitions nearest in time and at
    most `tolerance_days` away. alone: acquisitions of other sensors that no scene took are scenes
    of their own. Raises DataError if two scenes would have one id.
    """
    places: dict[str, Taken] = defaultdict(lambda: defaultdict(list))
    for one in found:
        places[one.place][one.sensor, one.date].append(one)
    scenes, unused = [], []
    for place in sorted(places):
        joined, rest = _join(places[place], reference, tolerance_days)
        while rest and alone:
            more, rest = _join(rest, reference, tolerance_days)
            joined += more
        scenes += joined
        unused += [one for files in rest.values() for one in files]
    scenes.sort(key=lambda scene: scene.id)
    for scene, following in pairwise(scenes):
        if scene.id == following.id:
            raise DataError(f"two scenes would be called {scene.id!r}; rename one of them")
    return scenes, unused


def finest(found: Sequence[Found]) -> tuple[list[Found], list[Found]]:
    """Of each band the file of the finest resolution, where names tell it, and the other files."""
    best: dict[tuple[object, ...], float] = {}
    for one in found:
        if one.resolution:
            best[_key(one)] = min(best.get(_key(one), one.resolution), one.resolution)
    kept: list[Found] = []
    coarser: list[Found] = []
    for one in found:
        is_best = not one.resolution or one.resolution == best[_key(one)]
        (kept if is_best else coarser).append(one)
    return kept, coarser


def _key(one: Found) -> tuple[object, ...]:
    return one.place, one.sensor, one.date, band_key(one.band or "")


def _join(taken: Taken, reference: str, tolerance_days: float | None) -> tuple[list[Scene], Taken]:
    """The scenes of one place, and the files that none of them uses."""
    sensors = sorted({sensor for sensor, _ in taken})
    first = reference if reference in sensors else sensors[0]
    dates = sorted((date for sensor, date in taken if sensor == first), key=str)
    scenes, rest = [], dict(taken)
    for date in dates:
        files = {first: tuple(taken[first, date])}
        rest.pop((first, date), None)
        for sensor in sensors:
            near = _nearest(date, [d for s, d in taken if s == sensor], tolerance_days)
            if sensor != first and (sensor, near) in taken:
                files[sensor] = tuple(taken[sensor, near])
                rest.pop((sensor, near), None)
        one = files[first][0]
        name = f"{one.label or one.place}{f'@{date_text(date)}' if date else ''}"
        scenes.append(Scene(name, one.place, date, one.fields, files))
    return scenes, rest


def _nearest(
    date: datetime | None, candidates: Sequence[datetime | None], tolerance_days: float | None
) -> datetime | None:
    dated = [one for one in candidates if one is not None]
    if date is None or not dated:
        return None
    best = min(dated, key=lambda one: (abs(one - date), one))
    away = abs(best - date).total_seconds() / 86_400
    return best if tolerance_days is None or away <= tolerance_days else None
