"""The scenes below a folder, from products, names or a manifest; all other files are counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from unlabeled.data.listing import FileRules, Listing, list_files
from unlabeled.data.walk import File
from unlabeled.errors import DataError, UnreadableItem
from unlabeled.wording import counted
from unlabeled_remote_sensing.readers.entries import Entry, least_coverage, make_entry
from unlabeled_remote_sensing.readers.names import match_names, read_manifest
from unlabeled_remote_sensing.readers.pairing import NO_PARTNER, Found, Scene, finest, pair
from unlabeled_remote_sensing.readers.safe import find_images, is_packed, split_products
from unlabeled_remote_sensing.sensors import Sensor

COARSER = "of bands that are there at a finer resolution"
WHOLE = 0.95
"""The share of a grid that counts as full coverage, because borders of projections are never
parallel."""
ENDINGS = (
    *(
        ".tif",
        ".tiff",
        ".jp2",
        ".j2k",
        ".vrt",
        ".img",
        ".nc",
        ".hdf",
        ".h5",
        ".he5",
        ".ntf",
        ".grb",
    ),
    *(".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".asc", ".dem", ".hgt", ".dt2", ".ntf"),
    *(".bil", ".bsq", ".bip", ".dat", ".raw", ".slc", ".rst", ".sdat", ".grd"),
)
"""Of formats that rasterio opens; the pattern may name another one."""


@dataclass(frozen=True, slots=True)
class Grouping:
    """How files become scenes. order: of the sensors, the reference first; pattern, manifest,
    tolerance, allow_missing: as the reader's settings."""

    sensors: dict[str, Sensor]
    order: Sequence[str]
    pattern: str
    manifest: str | None
    tolerance_days: float | None
    allow_missing: bool


@dataclass(slots=True)
class SceneList:
    """entries: of the scenes that can be used."""

    listing: Listing
    entries: list[tuple[Scene, Entry]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def find_scenes(path: Path, rules: FileRules, how: Grouping) -> SceneList:
    """Scenes with their headers read. Raises DataError if there is nothing at `path`."""
    listing = _list(path, rules, how)
    folder = path if path.is_dir() else path.parent
    found = SceneList(listing)
    if how.manifest:
        files = read_manifest(folder / how.manifest, how.sensors, rules, listing)
    else:
        products, names = split_products([file.name for file in listing.files], listing)
        files, found.notes = find_images(folder, products, how.sensors, listing)
        files += match_names(names, how.pattern, how.sensors, listing)
    _add_entries(folder, files, how, found)
    return found


def _list(path: Path, rules: FileRules, how: Grouping) -> Listing:
    if how.manifest:
        if not path.is_dir():
            raise DataError(f"{path}: expected a folder of rasters, found no folder")
        return Listing(path)
    # Of a pattern without an ending any file may fit.
    own = PurePosixPath(f"x{how.pattern.rpartition('}')[2]}").suffix.lower()
    named = FileRules(include=rules.include, exclude=rules.exclude)
    return list_files(path, named, (*ENDINGS, own), _looks_right)


def _looks_right(file: File) -> bool:
    return is_packed(file.name)


def _add_entries(folder: Path, files: Sequence[Found], how: Grouping, found: SceneList) -> None:
    kept, coarser = finest(files)
    for one in coarser:
        found.listing.leave_out(COARSER, f"at {one.resolution:g} m")
    scenes, unused = pair(kept, how.order[0], how.tolerance_days, alone=how.allow_missing)
    for one in unused:
        found.listing.leave_out(NO_PARTNER.format(how.order[0]), one.sensor)
    partly = []
    for scene in scenes:
        try:
            entry = _entry(folder, scene, how)
            share, sensor = least_coverage(entry)
        except UnreadableItem as error:
            found.listing.quarantine(_below(folder, error))
            continue
        found.entries.append((scene, entry))
        if share < WHOLE:
            partly.append((share, scene.id, sensor))
    found.notes += _partly(partly)


def _entry(folder: Path, scene: Scene, how: Grouping) -> Entry:
    missing = [name for name in how.sensors if name not in scene.sensors]
    if missing and not how.allow_missing:
        found = ", ".join(scene.sensors)
        raise UnreadableItem(scene.id, f"the sensors {', '.join(how.sensors)}", found)
    return make_entry(folder, scene, how.sensors, how.order)


def _below(folder: Path, error: UnreadableItem) -> UnreadableItem:
    """With the file as it is called below the data folder."""
    source = Path(error.source)
    name = source.relative_to(folder) if source.is_relative_to(folder) else error.source
    return UnreadableItem(str(name), error.expected, error.found)


def _partly(partly: Sequence[tuple[float, str, str]]) -> list[str]:
    if not partly:
        return []
    share, scene, sensor = min(partly)
    return [
        f"{counted(len(partly), 'scene', 'has', 'have')} a sensor that does not cover "
        "the grid of the others; the rest "
        f"is no data (least: {sensor} covers {share:.0%} of {scene})"
    ]
