"""Find the bands of a sensor, and its mask, in a file."""

from __future__ import annotations

from dataclasses import dataclass

from unlabeled.errors import UnreadableItem
from unlabeled_remote_sensing.readers.files import open_raster
from unlabeled_remote_sensing.sensors import PixelMask, Sensor, band_key


@dataclass(frozen=True, slots=True)
class Calibration:
    """The calibration of a product's stored values from its metadata: `stored · scale + offset`."""

    nodata: float
    scale: float
    offset: float


@dataclass(frozen=True, slots=True)
class Part:
    """Some bands of a sensor in one file. indexes: 1-based, in the file; rows: in the sensor, empty
    for the sensor's mask; calibration: the product's, None if the file holds it all."""

    path: str
    indexes: tuple[int, ...]
    rows: tuple[int, ...]
    calibration: Calibration | None = None


def find_bands(
    path: str, sensor: Sensor, only: str | None, calibration: Calibration | None = None
) -> Part:
    """The file's bands of the sensor. only: the one band that the file's name gives.

    Bands are found by their names in the file; a file without names must have as many bands as
    the sensor. Raises UnreadableItem.
    """
    opened = open_raster(path)
    source = opened.source
    data = [index for index in source.indexes if index != opened.alpha]
    wanted = [band_key(only)] if only else [band_key(band) for band in sensor.bands]
    known = [band_key(band) for band in sensor.bands]
    named = {band_key(source.descriptions[i - 1] or ""): i for i in source.indexes}
    if all(band in named for band in wanted):
        indexes = [named[band] for band in wanted]
    elif any(source.descriptions[i - 1] for i in data) and not only:
        found = ", ".join(name for name in named if name)
        raise UnreadableItem(path, f"the bands {', '.join(sensor.bands)}", f"the bands {found}")
    elif len(wanted) in (len(data), source.count):
        # As many bands as the whole file has: then its alpha band was declared, too.
        indexes = data if len(wanted) == len(data) else list(source.indexes)
    else:
        found = f"{len(data)} band{'s' * (len(data) != 1)} without names"
        raise UnreadableItem(path, f"the bands {', '.join(wanted)}", found)
    return Part(path, tuple(indexes), tuple(known.index(band) for band in wanted), calibration)


def find_mask(path: str, mask: PixelMask, only: str | None) -> Part | None:
    """The place of the mask in the file, if it has one. only: the one band that the file's name
    gives."""
    if only:
        return Part(path, (1,), ()) if band_key(only) == band_key(mask.band) else None
    names = open_raster(path).source.descriptions
    for index, name in enumerate(names, start=1):
        if band_key(name or "") == band_key(mask.band):
            return Part(path, (index,), ())
    return None
