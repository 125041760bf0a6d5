"""Six real Sentinel-1 and Sentinel-2 pairs as examples; nothing is downloaded.

    pip install "unlabeled-remote-sensing[examples]"
    python -m unlabeled_remote_sensing.examples pairs

They ship as archives inside the package bigearthnet-common, which is found, not imported.
"""

from __future__ import annotations

import csv
import io
import json
import sys
import tarfile
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from unlabeled.atomic import new_folder
from unlabeled.errors import UnlabeledError, UsageError

PACKAGE = "bigearthnet-common"
ARCHIVES = ("BigEarthNet-S1-Example.tar.bz2", "BigEarthNet-S2-Example.tar.bz2")


def write_examples(path: Path) -> None:
    """One file per band, `manifest.csv` for the scenes reader and `labels.csv`, in `path`.

    Raises UsageError if the package is missing, or if `path` exists.
    """
    if path.exists():
        raise UsageError(f"{path}: exists already; name a new folder")
    archives = [_archive(name) for name in ARCHIVES]
    with new_folder(path) as folder:
        for archive in archives:
            with tarfile.open(archive) as members:
                members.extractall(folder, filter="data")
        scenes = _scenes(folder)
        rows = [
            [scene, sensor, file.relative_to(folder).as_posix(), file.stem.rpartition("_")[2]]
            for scene, sensors in scenes.items()
            for sensor, place in sensors.items()
            for file in sorted(place.glob("*.tif"))
        ]
        _write(folder / "manifest.csv", [["scene", "sensor", "path", "band"], *rows])
        labels = [[scene, _labels(sensors["S2"])] for scene, sensors in scenes.items()]
        _write(folder / "labels.csv", [["item", "land_cover"], *labels])


def _scenes(folder: Path) -> dict[str, dict[str, Path]]:
    """The folders of each pair, by the name of the optical one, which the radar one knows."""
    found = {}
    for radar in sorted((folder / "BigEarthNet-S1-Example").iterdir()):
        (metadata,) = radar.glob("*.json")
        name = json.loads(metadata.read_text())["corresponding_s2_patch"]
        found[name] = {"S1": radar, "S2": folder / "BigEarthNet-S2-Example" / name}
    return found


def _labels(place: Path) -> str:
    (metadata,) = place.glob("*.json")
    return "; ".join(json.loads(metadata.read_text())["labels"])


def _write(path: Path, rows: list[list[str]]) -> None:
    lines = io.StringIO()
    csv.writer(lines, lineterminator="\n").writerows(rows)
    path.write_text(lines.getvalue(), encoding="utf-8")


def _archive(name: str) -> Path:
    try:
        files = distribution(PACKAGE).files or []
    except PackageNotFoundError as error:
        raise UsageError(
            f"the examples are inside {PACKAGE}, which is not installed: "
            'pip install "unlabeled-remote-sensing[examples]"'
        ) from error
    for file in files:
        if file.name == name:
            return Path(str(file.locate()))
    raise UsageError(f"{PACKAGE} holds no {name}: pip install --upgrade {PACKAGE}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m unlabeled_remote_sensing.examples FOLDER")
    try:
        write_examples(Path(sys.argv[1]))
    except UnlabeledError as error:
        sys.exit(f"unlabeled: {error}")
