"""Entries of a layout: candidate images, with the fields of their names."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from unlabeled.data.listing import FileRules, Listing
from unlabeled_medical.readers.names import Named, Naming, PatientFrom

Channels = tuple[tuple[Path, ...] | None, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """A candidate image with the fields of its name.

    channels: the files of each channel: one, or the slices of a series; None where a sequence is
    missing; patient, patient_from: "" and "tag" if the files' tags name the patient.
    """

    id: str
    format: str
    channels: Channels
    patient: str = ""
    session: str = ""
    sequence: str = ""
    split: str = ""
    patient_from: PatientFrom = "tag"


@dataclass(slots=True)
class Found:
    """listing: what cannot be used and what is left out."""

    listing: Listing
    entries: list[Entry] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Choosing:
    """The wanted files and sections of a data set, and how names are parsed."""

    rules: FileRules = field(default_factory=FileRules)
    sections: tuple[str, ...] = ("training", "validation")
    naming: Naming = field(default_factory=Naming)


def entry_of(name: str, kind: str, channels: Channels, named: Named, split: str = "") -> Entry:
    """An image called `name`, with the fields of its path."""
    parsed = named.patient, named.session, named.sequence
    return Entry(name, kind, channels, *parsed, split, named.patient_from)


def not_read(section: str) -> str:
    """Why images of a section are left out, a phrase after their number."""
    return f"of the section {section!r} (the reader's sections brings them in)"
