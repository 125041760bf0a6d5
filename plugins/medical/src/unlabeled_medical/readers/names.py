"""Parse patient, session and sequence from the path of a file.

The patient is taken, in this order, from

1. BIDS: `sub-07/ses-2/anat/sub-07_ses-2_T1w.nii.gz`;
2. a known collection's way of naming, `conventions.LAYOUTS`: `100307/T1w/…`, `002_S_0295/…`;
3. a word for a person and a number, in a folder or the file: `patient00012/study1/view1.jpg`,
   `person3_virus_12.jpeg`, `case_00004/imaging.nii.gz`;
4. the file's name without its sequence, visit, date, slice and other words for contents:
   `IXI013-HH-1212_T1`, `P001_followup_T1`; its folder's name if it begins with that;
5. where the name says no more than a number or the kind of picture (`0001.png`, `t1.nii.gz`,
   `IM-0001-0012.jpg`), the folders. `train`, `images`, `T1` or `visit2` are not names of patients:
   without any other folder, the first number of the file is the patient.

A note of the index counts the files of each rule, because all but the first are guesses; the
reader's `patients` and `pattern` settle it. DICOM tags precede all rules but these.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Literal

from unlabeled.data.globs import compile_pattern
from unlabeled.errors import UnreadableItem
from unlabeled.wording import counted
from unlabeled_medical.readers.conventions import (
    BIDS,
    CHANNEL,
    COLLECTION,
    COUNTED_VISITS,
    DATE,
    DESCRIBING,
    LAYOUTS,
    LIKE_VISITS,
    LONG_VISITS,
    OF_SEQUENCE,
    ORGANS,
    PERSON,
    SESSION,
    SIDES,
    SLICE,
    VISIT,
    WEAK_VISIT,
    WORDS,
    YEAR,
)

PatientFrom = Literal["given", "tag", "study", "layout", "name", "folder", "file"]
"""The source of a patient's name; `given`: BIDS, a datalist or the user."""
Patients = Literal["names", "folders", "files"]

MOST_VISITS = 8
HERE = "."
"""The patient of files without a folder whose names hold only their sequences."""
TAIL = re.compile(
    rf"(?:[_\-. ]+(?:(?P<sequence>{WORDS})|(?P<channel>{CHANNEL})|{SLICE}"
    rf"|(?P<visit>{VISIT}|{DATE})|(?P<weak>{WEAK_VISIT}|{'|'.join(SIDES)})"
    rf"|(?:{'|'.join(DESCRIBING | COLLECTION)}))"
    rf"|(?<=\d)(?P<glued>(?:{LONG_VISITS})\d*|(?:{COUNTED_VISITS})\d+))$",
    re.IGNORECASE,
)
HEAD = re.compile(
    rf"(?:(?P<visit>{VISIT}|{DATE})|(?P<sequence>{WORDS}))[_\-. ]+(?=.*[0-9A-Za-z])", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Named:
    """The fields of a path. patient_from: the source of the patient's name."""

    patient: str
    session: str = ""
    sequence: str = ""
    patient_from: PatientFrom = "given"


@dataclass(frozen=True, slots=True)
class Naming:
    """How paths are read: the reader's `patients` and `pattern`."""

    patients: Patients = "names"
    pattern: str | None = None

    def of(self, relative: str, stem: str) -> Named:
        """Parse patient, session and sequence from the path `relative`.

        stem: its file name without suffixes. Raises UnreadableItem if it does not match the user's
        pattern.
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
        return Named(
            named.patient, session, fields.get("sequence", named.sequence), named.patient_from
        )

    def says(self) -> bool:
        """Whether the user settings name the patients, which take precedence over tags."""
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
    path, name = "/".join((*folders, stem)), trim(stem)
    visits = [folder for folder in folders if SESSION.fullmatch(folder)]
    session = visits[-1] if visits else name.session
    sequence = name.sequence or next((f for f in folders[::-1] if OF_SEQUENCE.fullmatch(f)), "")
    bids = {key.lower(): value for key, value in BIDS.findall(path)}
    if "sub" in bids:
        return Named(f"sub-{bids['sub']}", bids.get("ses", ""), stem.rpartition("_")[2])
    if fields := _known_layout(relative):
        return Named(fields["patient"], fields.get("session") or session, sequence, "layout")
    if person := PERSON.search(path):
        return Named(person.group(1), session, sequence, "name")
    trimmed = [trim(folder) for folder in folders if _names_somebody(folder)]
    naming = [each.rest for each in trimmed if each.rest]
    session = session or next((each.session for each in trimmed[::-1] if each.session), "")
    if repeated := next((f for f in naming[::-1] if _begins(name.rest, f)), ""):
        return Named(repeated, session, sequence, "name")
    if not _says_nothing(name.rest):
        return Named(name.rest, session, sequence, "name")
    naming = [f for place, f in enumerate(naming) if not (place and YEAR.fullmatch(f))]
    if naming:
        return Named("/".join(naming), session, sequence, "folder")
    shown = OF_SEQUENCE.fullmatch(sequence)
    number = re.search(r"\d+", name.rest) or (None if shown else re.search(r"\d+", stem))
    around = [f for f in folders if not OF_SEQUENCE.fullmatch(f) and f not in visits]
    if shown and not number:  # `T1.nii` and `T2.nii` of one folder
        return Named("/".join(around) or HERE, session, sequence, "folder")
    return Named("/".join((*around, number.group() if number else stem)), session, sequence, "file")


@dataclass(frozen=True, slots=True)
class Trimmed:
    """A name without words for contents and times. rest: empty if nothing is left."""

    rest: str
    session: str = ""
    sequence: str = ""


@lru_cache(maxsize=65_536)
def trim(name: str) -> Trimmed:
    """Cut words that identify nobody from the end of a name, and visit and sequence from its
    beginning."""
    rest, session, sequence = name, "", ""
    while (found := _tail(rest)) and not (sequence and found["channel"]):
        rest = f"_{rest}"[: found.start()][1:]
        session = session or found["visit"] or found["weak"] or found["glued"] or ""
        sequence = sequence or found["sequence"] or found["channel"] or ""
    if (head := HEAD.match(rest)) and (head["visit"] or not _says_nothing(rest[head.end() :])):
        rest = rest[head.end() :]
        session, sequence = session or head["visit"] or "", sequence or head["sequence"] or ""
    return Trimmed(rest, session, sequence)


def _tail(rest: str) -> re.Match[str] | None:
    """The last words, if they identify nobody; some count only if a number is left before them."""
    found = TAIL.search(f"_{rest}") if rest else None
    if found and (found["weak"] or found["channel"]):
        before = f"_{rest}"[: found.start()]
        return found if any(letter.isdigit() for letter in before) else None
    return found


def _known_layout(relative: str) -> dict[str, str]:
    for layout in LAYOUTS:
        if match := layout.path.search(relative):
            return match.groupdict()
    return {}


def notes_on(patients_from: Iterable[tuple[PatientFrom, str]]) -> list[str]:
    """Notes on how patients were recognised, if any was guessed, and on doubtful results.

    They name nobody. patients_from: for every item, the source and its group.
    """
    items: Counter[PatientFrom] = Counter()
    patients: dict[PatientFrom, set[str]] = defaultdict(set)
    for how, group in patients_from:
        items[how] += 1
        patients[how].add(group)
    words: dict[PatientFrom, str] = {
        "tag": "by the PatientID of DICOM",
        "study": "by the study, as DICOM files say no PatientID",
        "layout": "as known collections name them",
        "name": "by the names of files and folders",
        "folder": "by folders, as files are named by numbers or kinds",
        "file": "as one each by the numbers of files",
        "given": "by BIDS or as given",
    }
    notes = []
    if items.keys() & {"study", "layout", "name", "folder", "file"}:
        parts = [
            f"{len(patients[how])} ({counted(items[how], 'item')}) {text}"
            for how, text in words.items()
            if items[how]
        ]
        notes.append(f"patients were recognised: {'; '.join(parts)}; {CHANGES}")
    return [*notes, *_doubts(items, patients)]


CHANGES = "the reader's patients and pattern change it"


def _doubts(items: Counter[PatientFrom], patients: dict[PatientFrom, set[str]]) -> list[str]:
    """Warnings if patients seem merged, or one seems split into several."""
    total = sum(items.values())
    if total > 1 and len(set().union(*patients.values())) == 1:
        return [
            f"warning: all {total} items are taken for one patient, so none can be held out and "
            f"none is another's negative; {CHANGES}"
        ]
    named = patients["name"] | patients["file"]
    alone = len(named) == items["name"] + items["file"]
    people = Counter(m["person"] for name in named if (m := LIKE_VISITS.fullmatch(name)))
    shared = [count for count in people.values() if 1 < count <= MOST_VISITS]
    if alone and len(shared) > 1 and 2 * sum(shared) >= len(named):
        return [
            f"warning: {len(named)} items are taken for one patient each, though {sum(shared)} of "
            f"their names look like visits of {len(shared)} patients; {CHANGES}"
        ]
    return []


def _says_nothing(name: str) -> bool:
    """Whether a name holds only numbers and words for kinds of pictures, or only an organ."""
    words = set(re.findall(r"[a-z]+", name.lower())) - (DESCRIBING - ORGANS)
    numbered = any(letter.isdigit() for letter in name)
    return not words or (not numbered and words <= ORGANS)


def _names_somebody(folder: str) -> bool:
    """Whether a folder may be a patient's, and not that of a split, a visit or a kind of
    content."""
    if OF_SEQUENCE.fullmatch(folder) or SESSION.fullmatch(folder):
        return False
    words = set(re.findall(r"[a-z]+", folder.lower()))
    return not words or not words <= (COLLECTION | DESCRIBING | ORGANS)


def _begins(name: str, folder: str) -> bool:
    """Whether a file repeats its folder's name, and no number of its own follows."""
    if not any(letter.isdigit() for letter in folder) or not name.startswith(folder):
        return False
    first, *more = re.split(r"[_\-. ]", name[len(folder) :])
    return first == "" and not any(word.isdigit() for word in more)


def _first_folder(relative: str) -> str:
    folders: Sequence[str] = PurePosixPath(relative).parts[:-1]
    named = [folder for folder in folders if folder.lower() not in COLLECTION]
    if not named:
        raise UnreadableItem(relative, "a folder for each patient", "no folder around it")
    return named[0]
