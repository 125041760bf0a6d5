"""Which files below a path are images, and which are left alone.

Three layouts are known: a datalist (`dataset.json` of the Medical Segmentation Decathlon, or
MONAI's), BIDS (`dataset_description.json`, `sub-*` folders), and plain folders. Label maps lie
beside images in all of them; they are left out unless `include` names them.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from unlabeled.errors import DataError, UnreadableItem
from unlabeled_medical.readers import dicom, images, nifti, nrrd
from unlabeled_medical.readers.names import Named, Naming, Told

FORMATS = {"nifti": nifti, "dicom": dicom, "nrrd": nrrd, "image": images}
LABEL_WORDS = {
    "label", "labels", "labelstr", "labelsts", "mask", "masks", "seg", "segs", "segmentation",
    "segmentations", "dseg", "probseg", "groundtruth", "gt", "annotation", "annotations",
    "contour", "contours", "lesion", "lesions", "roi", "rois", "aseg", "aparc", "parcellation",
    "parc", "dlmuse", "muse", "vertlabels", "derivatives",
}  # fmt: skip

PATIENT_KEYS = ("patient", "patient_id", "subject", "subject_id", "group")
"""What rows of a datalist may call the patient."""
Channels = tuple[tuple[Path, ...] | None, ...]
IN_TAGS = Named("", told="tag")


@dataclass(frozen=True, slots=True)
class Entry:
    """One image to be, and what its name says of it.

    channels: the files of each channel: one, or the slices of a series; None where a sequence is
    missing; patient, told: "" and "tag" where the files' own tags say.
    """

    id: str
    format: str
    channels: Channels
    patient: str = ""
    session: str = ""
    sequence: str = ""
    split: str = ""
    told: Told = "tag"


@dataclass(slots=True)
class Found:
    """What a layout holds; problems: files of a known kind that cannot be used."""

    entries: list[Entry] = field(default_factory=list)
    problems: list[UnreadableItem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Choosing:
    """Which files are wanted: globs on the path relative to the folder, sections of a datalist.

    naming: how patients are told from paths.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    sections: tuple[str, ...] = ()
    naming: Naming = field(default_factory=Naming)

    def wants(self, relative: str) -> bool:
        if any(fnmatch(relative, glob) for glob in self.exclude):
            return False
        return not self.include or any(fnmatch(relative, glob) for glob in self.include)


def find(path: Path, choosing: Choosing) -> Found:
    """List the images at `path`: a folder, one file, or a datalist. Raises DataError."""
    path = Path(path)
    if not path.exists():
        raise DataError(f"{path}: there is no such file or folder")
    if path.suffix == ".json":
        return from_datalist(path, choosing)
    if path.is_dir() and (path / "dataset.json").is_file():
        return from_datalist(path / "dataset.json", choosing)
    root = path if path.is_dir() else path.parent
    files = sorted(f for f in path.rglob("*") if f.is_file()) if path.is_dir() else [path]
    return from_files(files, root, choosing)


def from_files(files: Sequence[Path], root: Path, choosing: Choosing) -> Found:
    """Plain folders and BIDS alike; hidden files and folders are not looked at."""
    found = Found()
    left: Counter[str] = Counter()
    slices: dict[Path, list[Path]] = {}
    for file in files:
        relative = file.relative_to(root).as_posix()
        kind = kind_of(file)
        if any(part.startswith(".") for part in Path(relative).parts) or kind == "companion":
            continue
        if not kind or not choosing.wants(relative):
            left["other" if not kind else "unwanted"] += 1
        elif not choosing.include and looks_like_label(relative):
            left["label"] += 1
        elif kind == "dicom":
            slices.setdefault(file.parent, []).append(file)
        else:
            _add_file(found, relative, kind, file, choosing.naming)
    for folder, members in slices.items():
        _add_series(found, folder, members, root, choosing.naming)
    found.entries.sort(key=lambda entry: entry.id)
    found.notes.extend(_notes(left))
    return found


def from_datalist(file: Path, choosing: Choosing) -> Found:
    """The images (never the labels) that a datalist names, relative to its folder.

    Raises DataError if it is no datalist.
    """
    found = Found()
    try:
        sections = json.loads(file.read_text(encoding="utf-8"))
        wanted = {k: v for k, v in sections.items() if k in choosing.sections}
    except (OSError, ValueError, AttributeError) as error:
        raise DataError(f"{file}: expected a datalist as JSON, found: {error}") from error
    if not wanted:
        raise DataError(
            f"{file}: expected one of the sections {', '.join(choosing.sections)}, found "
            f"{', '.join(map(str, sections)) or 'nothing'}. The reader's sections chooses."
        )
    for split, rows in wanted.items():
        for row in rows:
            _add_row(found, row, split, file, choosing)
    others = {k: len(v) for k, v in sections.items() if isinstance(v, list) and k not in wanted}
    for name in ("test", "testing", "validation", "training"):
        if others.get(name):
            found.notes.append(
                f"{others[name]} images of the section {name!r} are left out; the reader's "
                "sections includes them"
            )
    return found


def kind_of(file: Path) -> str:
    """The format's name, "companion" for the second file of a pair, or "" for anything else."""
    name = file.name.lower()
    for kind, module in FORMATS.items():
        if name.endswith(module.SUFFIXES):
            return kind
        if name.endswith(module.COMPANIONS):
            return "companion"
    if "." not in name or name.rpartition(".")[2].isdigit():
        return "dicom" if dicom.is_dicom(file) else ""
    return ""


def looks_like_label(relative: str) -> bool:
    """Whether a word of the path says that it holds labels: `labelsTr/`, `t1_seg.nii.gz` …"""
    *folders, name = Path(relative).parts
    whole = stem(name).lower().replace("ground_truth", "groundtruth")
    words = set(re.split(r"[^a-z]+", whole)) | {folder.lower() for folder in folders}
    words |= {part for folder in folders for part in re.split(r"[^a-z]+", folder.lower())}
    return bool(words & LABEL_WORDS)


def stem(name: str) -> str:
    """A file's name without its suffixes."""
    lower = name.lower()
    for module in FORMATS.values():
        for suffix in sorted(module.SUFFIXES, key=len, reverse=True):
            if lower.endswith(suffix):
                return name[: -len(suffix)]
    return name


def _add_file(found: Found, relative: str, kind: str, file: Path, naming: Naming) -> None:
    try:
        named = naming.of(relative, stem(file.name))
    except UnreadableItem as error:
        found.problems.append(error)
        return
    found.entries.append(_entry(relative, kind, ((file,),), named))


def _entry(name: str, kind: str, channels: Channels, named: Named, split: str = "") -> Entry:
    told = named.patient, named.session, named.sequence
    return Entry(name, kind, channels, *told, split, named.told)


def _add_series(
    found: Found, folder: Path, files: Sequence[Path], root: Path, naming: Naming
) -> None:
    series, problems = dicom.group_series(files)
    found.problems.extend(problems)
    for members in series:
        try:
            ordered = dicom.in_order(members)
        except UnreadableItem as error:
            found.problems.append(error)
            continue
        alone = len(series) == 1 and len(ordered) > 1 and folder != root
        first = ordered[0].relative_to(root).as_posix()
        name = folder.relative_to(root).as_posix() if alone else first
        try:
            named = naming.of(first, stem(ordered[0].name)) if naming.says() else IN_TAGS
        except UnreadableItem as error:
            found.problems.append(error)
        else:
            found.entries.append(_entry(name, "dicom", (ordered,), named))


def _add_row(found: Found, row: Any, split: str, file: Path, choosing: Choosing) -> None:
    image = row.get("image") if isinstance(row, dict) else row
    names: list[Any] = image if isinstance(image, list) else [image]
    if not names or not all(isinstance(name, str) for name in names):
        raise DataError(f"{file}: {split}: expected the path of an image, found {row!r}")
    relative = Path(names[0]).as_posix()
    if not choosing.wants(relative):
        return
    paths = tuple(file.parent / name for name in names)
    missing = [path for path in paths if not path.is_file()]
    kind = kind_of(paths[0])
    if missing or not kind:
        reason = "no such file" if missing else "another kind of file"
        found.problems.append(UnreadableItem(str((missing or paths)[0]), "an image", reason))
        return
    try:
        named = choosing.naming.of(relative, stem(paths[0].name))
    except UnreadableItem as error:
        found.problems.append(error)
        return
    given = [row[key] for key in PATIENT_KEYS if key in row] if isinstance(row, dict) else []
    if given and not choosing.naming.says():
        named = replace(named, patient=str(given[0]), told="given")
    channels = tuple((path,) for path in paths)
    found.entries.append(_entry(relative, kind, channels, replace(named, sequence=""), split))


def _notes(left: Counter[str]) -> list[str]:
    notes = []
    if left["label"]:
        notes.append(
            f"{left['label']} files look like label maps and are left out; name them in the "
            "reader's include to read them as images"
        )
    if left["other"]:
        notes.append(f"{left['other']} files of other kinds are not looked at")
    if left["unwanted"]:
        notes.append(f"{left['unwanted']} files are left out by include and exclude")
    return notes
