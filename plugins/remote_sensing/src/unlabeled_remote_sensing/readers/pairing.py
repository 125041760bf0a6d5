"""Which files make up a scene: from their names, or from a manifest.

A pattern such as `{region}/{scene}_{sensor}.tif` names the parts of a file's path below the data
folder. `scene` and `sensor` are needed (`sensor` may be left out where there is one only), `band`
is for one file per band, `date` for several acquisitions of a scene; other fields are free.
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from unlabeled.errors import DataError, RecipeError

OWN_FIELDS = ("scene", "sensor", "band", "date")


@dataclass(frozen=True, slots=True)
class Found:
    """One file. path: relative to the data folder; date: None where nothing tells it."""

    path: str
    scene: str
    sensor: str
    band: str | None
    date: datetime | None
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Scene:
    """The files of each sensor that belong together."""

    id: str
    date: datetime | None
    fields: Mapping[str, str]
    sensors: Mapping[str, tuple[Found, ...]]


def match_names(
    paths: Iterable[str], pattern: str, sensors: Sequence[str]
) -> tuple[list[Found], int]:
    """The files whose path fits, and how many fit but are of a sensor that was not declared.

    Raises RecipeError for a pattern without the fields it needs.
    """
    known = "|".join(map(re.escape, sorted(sensors, key=len, reverse=True)))
    declared, any_sensor = (_compile(pattern, sensors, name) for name in (known, "[^/]+"))
    found, others = [], 0
    for path in paths:
        match = declared.fullmatch(path)
        if match:
            found.append(_found(path, {"sensor": sensors[0], **match.groupdict()}))
        elif any_sensor.fullmatch(path):
            others += 1
    return found, others


def read_manifest(path: Path, sensors: Sequence[str]) -> tuple[list[Found], int]:
    """A CSV file with the columns scene, sensor and path (relative to it), like the pattern's
    fields; more columns are free. Returns what `match_names` does. Raises DataError.
    """
    try:
        with path.open(newline="", encoding="utf-8") as lines:
            rows = list(csv.DictReader(lines))
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"manifest {path}: cannot be read: {error}") from error
    missing = {"scene", "sensor", "path"} - set(rows[0] if rows else ())
    if missing:
        raise DataError(
            f"manifest {path}: expected the columns scene, sensor and path, found no "
            f"{', '.join(sorted(missing))}"
        )
    found = [
        _found(row["path"], {key: value for key, value in row.items() if key != "path"})
        for row in rows
    ]
    kept = [one for one in found if one.sensor in sensors]
    return kept, len(found) - len(kept)


def pair(found: Sequence[Found], reference: str, tolerance_days: float | None) -> list[Scene]:
    """Join files into scenes.

    Without dates all files of a scene belong together. With dates every acquisition of the
    `reference` sensor makes a scene, with the other sensors' acquisitions nearest in time and at
    most `tolerance_days` away.
    """
    by_scene: dict[str, dict[tuple[str, datetime | None], list[Found]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for one in found:
        by_scene[one.scene][one.sensor, one.date].append(one)
    return [
        scene
        for name in sorted(by_scene)
        for scene in _pair_one(name, by_scene[name], reference, tolerance_days)
    ]


def _pair_one(
    name: str,
    taken: Mapping[tuple[str, datetime | None], list[Found]],
    reference: str,
    tolerance_days: float | None,
) -> list[Scene]:
    sensors = sorted({sensor for sensor, _ in taken})
    first = reference if reference in sensors else sensors[0]
    dates = sorted((date for sensor, date in taken if sensor == first), key=str)
    scenes = []
    for date in dates:
        files = {first: tuple(taken[first, date])}
        for sensor in sensors:
            near = _nearest(date, [d for s, d in taken if s == sensor], tolerance_days)
            if sensor != first and (sensor, near) in taken:
                files[sensor] = tuple(taken[sensor, near])
        number = f"{name}@{date:%Y%m%dT%H%M%S}" if len(dates) > 1 and date else name
        scenes.append(Scene(number, date, files[first][0].fields, files))
    return scenes


def _nearest(
    date: datetime | None, candidates: Sequence[datetime | None], tolerance_days: float | None
) -> datetime | None:
    dated = [one for one in candidates if one is not None]
    if date is None or not dated:
        return None
    best = min(dated, key=lambda one: (abs(one - date), one))
    away = abs(best - date).total_seconds() / 86_400
    return best if tolerance_days is None or away <= tolerance_days else None


def _compile(pattern: str, sensors: Sequence[str], sensor: str) -> re.Pattern[str]:
    pieces = re.split(r"\{(\w+)\}", pattern)
    names = pieces[1::2]
    needed = ["scene"] if len(sensors) == 1 else ["scene", "sensor"]
    for name in needed:
        if name not in names:
            raise RecipeError(f"reader.pattern: needs the field {{{name}}}, found {pattern!r}")
    seen: set[str] = set()
    expression = ""
    for index, piece in enumerate(pieces):
        if index % 2 == 0:
            expression += re.escape(piece)
        elif piece in seen:
            expression += f"(?P={piece})"
        else:
            seen.add(piece)
            inner = sensor if piece == "sensor" else "[^/]+"
            expression += f"(?P<{piece}>{inner})"
    return re.compile(expression)


def _found(path: str, fields: Mapping[str, str | None]) -> Found:
    kept = {key: value for key, value in fields.items() if value is not None}
    return Found(
        path=path,
        scene=kept["scene"],
        sensor=kept["sensor"],
        band=kept.get("band") or None,
        date=_date(path, kept.get("date")),
        fields={key: value for key, value in kept.items() if key not in OWN_FIELDS},
    )


def _date(path: str, text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        return datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError as error:
        raise DataError(
            f"{path}: expected a date like 2017-06-13 or 20170613T101031, found {text!r}"
        ) from error
