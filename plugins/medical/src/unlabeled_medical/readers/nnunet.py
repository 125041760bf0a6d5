"""Folders of `imagesTr`, `imagesTs` and `labelsTr`: nnU-Net's raw data, formats 1 and 2, and the
Decathlon's without its datalist.

In nnU-Net's each case has one file per channel, `CASE_0000.nii.gz`, `CASE_0001.nii.gz` …, which are
the channels of one item. `imagesTr` is the section `training`, `imagesTs` the section `test`.

Source: nnU-Net, documentation/dataset_format.md.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from unlabeled.data.listing import Listed
from unlabeled.errors import UnreadableItem
from unlabeled_medical.readers.entries import Choosing, Found, entry_of, not_read
from unlabeled_medical.readers.kinds import files_of_image, kind_of, stem

FOLDERS = {"imagestr": "training", "imagesval": "validation", "imagests": "test"}
CHANNEL = re.compile(r"(?P<case>.+)_(?P<channel>\d{4})")
MOST = 64
"""More numbers than these at the ends of names are patients, not channels."""


def root_of(name: str) -> str | None:
    """The folder of a data set that a file lies in, relative as the name is; None for none."""
    folders = name.split("/")[:-1]
    for place, folder in enumerate(folders):
        if folder.lower() in FOLDERS:
            return "/".join(folders[:place])
    return None


def without_list(about: Mapping[str, Any]) -> bool:
    """Whether a `dataset.json` is nnU-Net's second format, which lists no files."""
    return "channel_names" in about and not isinstance(about.get("training"), list)


def sequences_of(about: Mapping[str, Any]) -> str:
    """The names of the channels in their order, joined by "+"; "" if there are none."""
    names = about.get("channel_names") or about.get("modality")
    if not isinstance(names, dict):
        return ""
    numbers = sorted((key for key in names if str(key).isdigit()), key=int)
    return "+".join(str(names[number]) for number in numbers)


def channels_of(case: Path) -> list[Path]:
    """The files of a case that has no file of its own name: `X_000_0000.nii.gz` …"""
    name = stem(case.name)
    ending = case.name[len(name) :].lower()
    if not case.parent.is_dir():
        return []
    return sorted(
        file
        for file in case.parent.glob(f"{_escaped(name)}_[0-9][0-9][0-9][0-9].*")
        if file.name.lower() == f"{stem(file.name)}{ending}".lower()
    )


def add(
    files: Sequence[Listed], root: str, about: Mapping[str, Any], choosing: Choosing, found: Found
) -> list[Listed]:
    """Add the cases of the wanted sections; returns files that lie in none of these folders."""
    sections: dict[str, list[Listed]] = defaultdict(list)
    rest: list[Listed] = []
    for file in files:
        inside = FOLDERS.get(PurePosixPath(file.name).relative_to(root).parts[0].lower())
        (sections[inside] if inside else rest).append(file)
    known = _cases([f for each in sections.values() for f in each], declared=bool(about))
    for section, members in sections.items():
        cases = known and _by_case(members)
        count = len(cases or members)
        if section not in choosing.sections:
            found.listing.leave_out(not_read(section), count=count)
        elif not cases:
            _add_each(members, section, choosing, found)
        else:
            _add_cases(cases, section, about, choosing, found)
    return rest


def _cases(files: Sequence[Listed], *, declared: bool) -> bool:
    """Whether numbers at the ends of names are channels.

    declared: whether nnU-Net's file says so; else each case must have the same, from 0 on, and a
    number of its own, as `amos_0001` is a patient.
    """
    numbers = [CHANNEL.fullmatch(stem(file.path.name)) for file in files]
    if not files or not all(numbers):
        return False
    found: dict[str, set[int]] = defaultdict(set)
    for number in filter(None, numbers):
        found[number["case"]].add(int(number["channel"]))
    if declared:
        return all(len(each) <= MOST for each in found.values())
    first = next(iter(found.values()))
    alike = all(each == first for each in found.values()) and first == set(range(len(first)))
    return alike and len(first) <= MOST and all(re.search(r"\d", case) for case in found)


def _by_case(files: Sequence[Listed]) -> dict[str, dict[int, Listed]]:
    """By the path of a case without its channel."""
    cases: dict[str, dict[int, Listed]] = defaultdict(dict)
    for file in files:
        number = CHANNEL.fullmatch(stem(file.path.name))
        if number:
            folder = file.name.rpartition("/")[0]
            cases[f"{folder}/{number['case']}"][int(number["channel"])] = file
    return cases


def _add_cases(
    cases: Mapping[str, Mapping[int, Listed]],
    section: str,
    about: Mapping[str, Any],
    choosing: Choosing,
    found: Found,
) -> None:
    expected = sorted(set().union(*cases.values()))
    for case, channels in cases.items():
        files = [channels[number] for number in sorted(channels)]
        try:
            if sorted(channels) != expected:
                raise UnreadableItem(
                    str(files[0].path),
                    f"the channels {_shown(expected)}, as other cases have",
                    _shown(channels),
                )
            named = choosing.naming.of(case, PurePosixPath(case).name)
        except UnreadableItem as error:
            found.listing.quarantine(error)
            continue
        name = files[0].name if len(files) == 1 else case
        kind, paths = (
            kind_of(files[0].name) or "dicom",
            tuple(files_of_image(file.path) for file in files),
        )
        named = replace(named, sequence=sequences_of(about) or named.sequence)
        found.entries.append(entry_of(name, kind, paths, named, section))


def _add_each(files: Sequence[Listed], section: str, choosing: Choosing, found: Found) -> None:
    for file in files:
        try:
            named = choosing.naming.of(file.name, stem(file.path.name))
        except UnreadableItem as error:
            found.listing.quarantine(error)
        else:
            kind = kind_of(file.name) or "dicom"
            found.entries.append(
                entry_of(file.name, kind, (files_of_image(file.path),), named, section)
            )


def _shown(channels: Sequence[int] | Mapping[int, Any]) -> str:
    return ", ".join(f"{number:04d}" for number in sorted(channels))


def _escaped(name: str) -> str:
    return re.sub(r"([*?\[])", r"[\1]", name)
