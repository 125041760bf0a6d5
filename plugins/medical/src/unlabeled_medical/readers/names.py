"""Whose a file is, and what it shows, by its path alone.

Archives name files in many ways. A patient is told, in this order, by

1. BIDS: `sub-07/ses-2/anat/sub-07_ses-2_T1w.nii.gz`;
2. a word for a person and a number, in a folder or the file: `patient00012/study1/view1.jpg`,
   `person3_virus_12.jpeg`, `case_00004/imaging.nii.gz`;
3. the file's name without its sequence and the number of a slice: `IXI013-HH-1212_T1`, `anna_t2`;
4. where the name says no more than a number or the kind of picture (`0001.png`, `t1.nii.gz`,
   `IM-0001-0012.jpg`), the folder. `train`, `images` or `T1` are no names of patients: there the
   first number of the file is the patient.

What was taken for how many files is said in a note of the index, as the last two are guesses; the
reader's `patients` and `pattern` say it outright. DICOM tags come before all but these.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Literal

from unlabeled.errors import RecipeError, UnreadableItem

Told = Literal["given", "tag", "study", "name", "folder", "file"]
"""By what a patient is told; `given`: by BIDS, a datalist or the user."""
Patients = Literal["names", "folders", "files"]

WORDS = (
    r"t1w?|t1ce|t1gd|t1c|t1n|t2w?|t2f|t2star|flair|pd|pdw|adc|dwi|hbv|bold|asl|swi|ct|pet|cor|sag"
)
SEQUENCES = rf"{WORDS}|000\d"
"""The number is nnU-Net's, of a channel."""
SEQUENCE = re.compile(rf"[_\-. ]({SEQUENCES})$", re.IGNORECASE)
OF_SEQUENCE = re.compile(WORDS, re.IGNORECASE)
BIDS = re.compile(r"(?:^|[_/])(sub|ses)-([A-Za-z0-9]+)")
PERSON = re.compile(
    r"(?:^|[_\-. /])((?:patient|person|subject|subj|case|pat|participant)(?:[_\-. ][A-Za-z]?)?\d+)",
    re.IGNORECASE,
)
SLICE = re.compile(
    r"[_\-. ](?:slice|sl|frame|fr|img|image|im|view|z)[_\-. ]?\d+$|[_\-. ]\d+of\d+$", re.IGNORECASE
)
SESSION = re.compile(
    r"(session|ses|study|visit|exam|timepoint|tp|baseline|follow[_\-]?up|month|week|day|year)"
    r"[_\-. ]?\d*",
    re.IGNORECASE,
)
COLLECTION = {
    "train", "training", "val", "valid", "validation", "test", "testing", "image", "images", "img",
    "imgs", "imagestr", "imagests", "data", "dataset", "scans", "raw", "nifti", "nii", "png", "jpg",
    "dicom", "dcm", "all", "anat", "func", "perf", "pa", "ap", "frontal", "lateral", "slices",
    "frames", "series", "left", "right",
}  # fmt: skip
KINDS = {
    "image", "images", "imaging", "img", "im", "i", "scan", "volume", "vol", "view", "frontal",
    "lateral", "pa", "ap", "slice", "sl", "frame", "fr", "series", "study", "mr", "mri", "xray",
    "cxr", "file", "raw", "orig", "axial", "coronal", "sagittal",
}  # fmt: skip
"""Words of folders, and of file names, that tell what is there and not of whom."""
ORGANS = {"brain", "head", "chest", "heart", "cardiac", "lung", "liver", "prostate", "knee"}
"""Alone they tell what is there; with a number they are names (`liver_12`)."""


@dataclass(frozen=True, slots=True)
class Named:
    """What a path says. told: by what the patient is told."""

    patient: str
    session: str = ""
    sequence: str = ""
    told: Told = "given"


@dataclass(frozen=True, slots=True)
class Naming:
    """How paths are read: the reader's `patients` and `pattern`."""

    patients: Patients = "names"
    pattern: str | None = None

    def of(self, relative: str, stem: str) -> Named:
        """What `relative`, whose file name without suffixes is `stem`, says.

        Raises UnreadableItem if it does not fit what the user said of names.
        """
        named = named_by(relative, stem)
        fields = self._fields(relative)
        if "patient" in fields:
            named = Named(fields["patient"], named.session, named.sequence)
        elif self.patients == "files":
            named = Named(relative, named.session, named.sequence)
        elif self.patients == "folders":
            named = Named(_first_folder(relative), named.session, named.sequence)
        session = fields.get("session", named.session)
        return Named(named.patient, session, fields.get("sequence", named.sequence), named.told)

    def says(self) -> bool:
        """Whether the user said whose files are, which counts more than tags."""
        return self.patients != "names" or "{patient}" in (self.pattern or "")

    def _fields(self, relative: str) -> dict[str, str]:
        if self.pattern is None:
            return {}
        match = compile_pattern(self.pattern).fullmatch(relative)
        if match is None:
            expected = f"a path like the reader's pattern, {self.pattern}"
            raise UnreadableItem(relative, expected, "another")
        return match.groupdict()


def named_by(relative: str, stem: str) -> Named:
    """By the rules at the top of this file."""
    folders = PurePosixPath(relative).parts[:-1]
    session = next((folder for folder in reversed(folders) if SESSION.fullmatch(folder)), "")
    rest, sequence = _without_sequence(stem)
    if not sequence:
        sequence = next((f for f in reversed(folders) if OF_SEQUENCE.fullmatch(f)), "")
    bids = dict(BIDS.findall("/".join((*folders, stem))))
    if "sub" in bids:
        last = stem.rpartition("_")[2]
        return Named(f"sub-{bids['sub']}", bids.get("ses", ""), last)
    if person := PERSON.search("/".join((*folders, stem))):
        return Named(person.group(1), session, sequence, "name")
    rest = SLICE.sub("", rest)
    if not _says_nothing(rest):
        return Named(rest, session, sequence, "name")
    naming = [f for f in folders if f.lower() not in COLLECTION and not OF_SEQUENCE.fullmatch(f)]
    naming = [folder for folder in naming if not SESSION.fullmatch(folder)]
    if naming:
        return Named("/".join(naming), session, sequence, "folder")
    number = re.search(r"\d+", stem)
    around = [f for f in folders if not OF_SEQUENCE.fullmatch(f) and not SESSION.fullmatch(f)]
    return Named("/".join((*around, number.group() if number else stem)), session, sequence, "file")


def notes_on(told: Iterable[tuple[Told, str]]) -> list[str]:
    """One line on how the patients of an index were told, if any was guessed; no names.

    told: of every item, by what, and its group.
    """
    items: Counter[Told] = Counter()
    patients: dict[Told, set[str]] = defaultdict(set)
    for how, group in told:
        items[how] += 1
        patients[how].add(group)
    words: dict[Told, str] = {
        "tag": "by the PatientID of DICOM",
        "study": "by the study, as DICOM files say no PatientID",
        "name": "by file names",
        "folder": "by folders, as files are named by numbers or kinds",
        "file": "as one each by the numbers of files",
        "given": "by BIDS or as given",
    }
    if not items.keys() & {"study", "name", "folder", "file"}:
        return []
    parts = [
        f"{len(patients[how])} ({items[how]} items) {text}"
        for how, text in words.items()
        if items[how]
    ]
    return [f"patients were told: {'; '.join(parts)}; the reader's patients and pattern change it"]


@lru_cache(maxsize=16)
def compile_pattern(pattern: str) -> re.Pattern[str]:
    """`{patient}/{sequence}.nii.gz` as a regular expression; a field holds no slash.

    Without a slash the pattern describes the file name, with one the path below the folder.
    Raises RecipeError.
    """
    texts = re.split(r"\{(\w+)\}", pattern)
    fields = "".join(
        f"(?P<{name}>[^/]+?){re.escape(text)}"
        for name, text in zip(texts[1::2], texts[2::2], strict=True)
    )
    expression = re.escape(texts[0]) + fields
    try:
        return re.compile(expression if "/" in pattern else f"(?:.*/)?{expression}")
    except re.error as error:
        raise RecipeError(f"reader.pattern: {pattern!r} has a field twice or unnamed") from error


def _without_sequence(stem: str) -> tuple[str, str]:
    """A number alone is no channel, though `case_0000` ends in one."""
    match = SEQUENCE.search(f"_{stem}")
    if match is None or stem.isdigit():
        return stem, ""
    sequence = match.group(1)
    return stem[: len(stem) - len(sequence)].rstrip("_-. "), sequence


def _says_nothing(name: str) -> bool:
    """Whether a name holds but numbers and words for kinds of pictures, or names an organ alone."""
    words = set(re.findall(r"[a-z]+", name.lower())) - KINDS
    numbered = any(letter.isdigit() for letter in name)
    return not words or (not numbered and words <= ORGANS)


def _first_folder(relative: str) -> str:
    folders: Sequence[str] = PurePosixPath(relative).parts[:-1]
    named = [folder for folder in folders if folder.lower() not in COLLECTION]
    if not named:
        raise UnreadableItem(relative, "a folder for each patient", "no folder around it")
    return named[0]
