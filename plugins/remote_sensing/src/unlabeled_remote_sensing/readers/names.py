"""Join files into scenes by their names or by a manifest.

A pattern such as `{region}/{scene}_{sensor}.tif` names the parts of a file's path below the data
folder; without a slash it is about the file's name, in whatever folder. `scene` and `sensor` are
needed (`sensor` may be left out where there is one only), `band` is for one file per band, `res`
for a band at several resolutions (in m), `date` for several acquisitions of a scene. Every other
field, and every folder that the pattern does not name, is a part of the scene's identity, but for
fields that begin with `_`, which may differ between the files of a scene.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Protocol

from unlabeled.data.listing import FileRules, unwanted
from unlabeled.data.tables import read_table
from unlabeled.errors import RecipeError, UnreadableItem
from unlabeled_remote_sensing.readers.dates import EXPECTED, parse_date
from unlabeled_remote_sensing.readers.pairing import Found
from unlabeled_remote_sensing.sensors import Sensor

OWN_FIELDS = ("scene", "sensor", "band", "res", "date")
OTHER_SENSOR = "of sensors that are not declared"
OTHER_BAND = "of bands that are not declared"


class Account(Protocol):
    """Counts files that are not read."""

    def leave_out(self, reason: str, kind: str = "", count: int = 1) -> None: ...

    def quarantine(self, error: UnreadableItem) -> None: ...


def match_names(
    paths: Iterable[str], pattern: str, sensors: Mapping[str, Sensor], account: Account
) -> list[Found]:
    """The files whose path matches; the others are counted.

    Raises RecipeError for a pattern without the fields it needs.
    """
    known = "|".join(map(re.escape, sorted(sensors, key=len, reverse=True)))
    declared, any_sensor = (_compile(pattern, sensors, name) for name in (known, "[^/]+"))
    found = []
    for path in paths:
        match = declared.fullmatch(path)
        if match:
            fields = {"sensor": next(iter(sensors)), **match.groupdict()}
            folder = fields.pop("_folder", "")
            place = folder + "/".join(text for name, text in fields.items() if _identifies(name))
            found += _found(path, place, fields, sensors, account)
        elif other := any_sensor.fullmatch(path):
            account.leave_out(OTHER_SENSOR, other["sensor"])
        else:
            account.leave_out(f"by the pattern {pattern}")
    return found


def read_manifest(
    path: Path, sensors: Mapping[str, Sensor], rules: FileRules, account: Account
) -> list[Found]:
    """A table with the columns scene, sensor and path (relative to it), like the pattern's fields;
    region, if there is one, is a part of the scene's identity, more columns are free.

    Rows that cannot be used, or that `include` and `exclude` leave out, are counted. Raises
    DataError.
    """
    table = read_table(path)
    table.require("scene", "sensor", "path")
    for bad in table.quarantined():
        account.quarantine(UnreadableItem(bad.source, bad.expected, bad.found))
    found = []
    for number, row in zip(table.rows, table.columns.to_pylist(), strict=True):
        fields = {name: str(text) for name, text in row.items() if text is not None}
        if missing := [name for name in ("scene", "sensor", "path") if name not in fields]:
            where = f"{path}, row {number}"
            account.quarantine(UnreadableItem(where, f"a value of {missing[0]}", "none"))
        elif reason := unwanted(PurePosixPath(fields["path"]).as_posix(), rules):
            account.leave_out(reason)
        elif fields["sensor"] not in sensors:
            account.leave_out(OTHER_SENSOR, fields["sensor"])
        else:
            place = "/".join(fields[name] for name in ("region", "scene") if name in fields)
            found += _found(fields.pop("path"), place, fields, sensors, account)
    return found


def _identifies(name: str) -> bool:
    return name == "scene" or not (name in OWN_FIELDS or name.startswith("_"))


def _found(
    path: str,
    place: str,
    fields: Mapping[str, str],
    sensors: Mapping[str, Sensor],
    account: Account,
) -> list[Found]:
    """The file with what is known of it; nothing if it cannot be used."""
    sensor, band, text = fields["sensor"], fields.get("band"), fields.get("date")
    if band and not sensors[sensor].has(band):
        account.leave_out(OTHER_BAND, band)
        return []
    try:
        date = parse_date(text) if text else None
    except ValueError:
        account.quarantine(UnreadableItem(path, EXPECTED, repr(text)))
        return []
    resolution = re.search(r"\d+(\.\d+)?", fields.get("res", ""))
    free = {name: value for name, value in fields.items() if name not in OWN_FIELDS}
    size = float(resolution[0]) if resolution else None
    return [Found(path, place, sensor, band or None, date, size, free)]


def _compile(pattern: str, sensors: Mapping[str, Sensor], sensor: str) -> re.Pattern[str]:
    pieces = re.split(r"\{(\w+)\}", pattern)
    needed = ["scene"] if len(sensors) == 1 else ["scene", "sensor"]
    for name in needed:
        if name not in pieces[1::2]:
            raise RecipeError(f"reader.pattern: needs the field {{{name}}}, found {pattern!r}")
    seen: set[str] = set()
    expression = "" if "/" in pattern else "(?P<_folder>(?:.*/)?)"
    for index, piece in enumerate(pieces):
        if index == len(pieces) - 1:
            expression += f"(?i:{re.escape(piece)})"  # .TIF is .tif
        elif index % 2 == 0:
            expression += re.escape(piece)
        elif piece in seen:
            expression += f"(?P={piece})"
        else:
            seen.add(piece)
            inner = sensor if piece == "sensor" else "[^/]+"
            expression += f"(?P<{piece}>{inner})"
    return re.compile(expression, re.DOTALL)
