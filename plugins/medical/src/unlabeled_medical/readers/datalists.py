"""Datalists: `dataset.json` of the Medical Segmentation Decathlon and of nnU-Net, or MONAI's.

A datalist names images by section, relative to its folder. nnU-Net's first format names a case
where the files have a channel's number at their end: `X_000.nii.gz` is `X_000_0000.nii.gz`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from unlabeled.data.globs import fits
from unlabeled.errors import DataError, UnreadableItem
from unlabeled_medical.readers import dicom
from unlabeled_medical.readers.entries import Choosing, Found, entry_of, not_read
from unlabeled_medical.readers.kinds import files_of_image, kind_of, stem
from unlabeled_medical.readers.nnunet import channels_of, sequences_of, without_list

NAME = "dataset.json"
PATIENT_KEYS = ("patient", "patient_id", "subject", "subject_id", "group")
"""Keys of the patient in rows of a datalist."""
SECTIONS = ("training", "validation", "test", "testing")


def read(file: Path, choosing: Choosing, *, required: bool = True) -> dict[str, Any]:
    """The content of a datalist.

    Raises DataError if it is not one. required: whether the file must name images, or nnU-Net's
    channels.
    """
    try:
        content = json.loads(file.read_text(encoding="utf-8-sig"))
        if not isinstance(content, dict):
            raise TypeError(f"a {type(content).__name__} in place of an object")
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise DataError(f"{file}: expected a datalist as JSON, found: {error}") from error
    if isinstance(cases := content.get("dataset"), dict):  # nnU-Net's, for files anywhere
        rows = [{"image": each.get("images")} for each in cases.values() if isinstance(each, dict)]
        content = {**content, "training": rows}
    known = without_list(content) or any(content.get(k) for k in choosing.sections)
    if required and not known:
        raise DataError(
            f"{file}: expected one of the sections {', '.join(choosing.sections)}, found "
            f"{', '.join(map(str, content)) or 'nothing'}. The reader's sections chooses."
        )
    return content


def add(
    content: Mapping[str, Any], file: Path, root: str, choosing: Choosing, found: Found
) -> set[Path]:
    """Add the images (never the labels) of the wanted sections; returns all files that are named.

    root: where the datalist lies below the indexed folder. Raises DataError for a row that names
    no image.
    """
    used: set[Path] = set()
    for section in dict.fromkeys((*choosing.sections, *SECTIONS)):
        rows = content.get(section)
        if not isinstance(rows, list):
            continue
        for number, row in enumerate(rows, start=1):
            names = _names(row, f"{file}: {section}, row {number}")
            paths = _paths(file.parent, names)
            used.update(path for path in paths if path.exists())
            if section in choosing.sections:
                _add_row(row, names, paths, section, content, root, choosing, found)
        if rows and section not in choosing.sections:
            found.listing.leave_out(not_read(section), count=len(rows))
    return used


def _names(row: Any, place: str) -> list[str]:
    image = row.get("image") if isinstance(row, dict) else row
    names: list[Any] = image if isinstance(image, list) else [image]
    if not names or not all(isinstance(name, str) and name for name in names):
        raise DataError(f"{place}: expected the path of an image, found {row!r}")
    return [name.replace("\\", "/") for name in names]


def _paths(folder: Path, names: list[str]) -> list[Path]:
    """Where the files are; those of a case's channels where no file has its own name."""
    paths = [folder / name for name in names]
    if len(paths) == 1 and not paths[0].exists():
        return channels_of(paths[0]) or paths
    return paths


def _add_row(
    row: Any,
    names: list[str],
    paths: list[Path],
    section: str,
    content: Mapping[str, Any],
    root: str,
    choosing: Choosing,
    found: Found,
) -> None:
    relative = (PurePosixPath(root) / names[0]).as_posix()
    rules = choosing.rules
    if any(fits(relative, glob) for glob in rules.exclude):
        return
    if rules.include and not any(fits(relative, glob) for glob in rules.include):
        return
    try:
        kind = _kind(paths)
        named = choosing.naming.of(relative, stem(PurePosixPath(relative).name))
    except UnreadableItem as error:
        found.listing.quarantine(error)
        return
    given = [row[key] for key in PATIENT_KEYS if key in row] if isinstance(row, dict) else []
    if given and not choosing.naming.says():
        named = replace(named, patient=str(given[0]), patient_from="given")
    named = replace(named, sequence=sequences_of(content))
    found.entries.append(
        entry_of(relative, kind, tuple(map(files_of_image, paths)), named, section)
    )


def _kind(paths: list[Path]) -> str:
    """The format. Raises UnreadableItem if a file is not there, or is no image."""
    for path in paths:
        if not path.is_file():
            reason = "a folder" if path.is_dir() else "no such file"
            raise UnreadableItem(str(path), "an image", reason)
    kind = kind_of(paths[0].name) or ("dicom" if dicom.is_dicom(paths[0]) else "")
    if kind in ("", "companion"):
        raise UnreadableItem(str(paths[0]), "an image", "another kind of file")
    return kind
