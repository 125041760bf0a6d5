"""What a layout finds: images to be, with what their names say of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from unlabeled.data.listing import FileRules, Listing
from unlabeled_medical.readers.names import Named, Naming, Told

Channels = tuple[tuple[Path, ...] | None, ...]


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
    """listing: what cannot be used and what is left out."""

    listing: Listing
    entries: list[Entry] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Choosing:
    """Which files are wanted, which sections of a data set, and how names are read."""

    rules: FileRules = field(default_factory=FileRules)
    sections: tuple[str, ...] = ("training", "validation")
    naming: Naming = field(default_factory=Naming)


def entry_of(name: str, kind: str, channels: Channels, named: Named, split: str = "") -> Entry:
    """An image called `name`, with what its path says."""
    told = named.patient, named.session, named.sequence
    return Entry(name, kind, channels, *told, split, named.told)


def not_read(section: str) -> str:
    """Why images of a section are left out, to stand after their number."""
    return f"of the section {section!r} (the reader's sections brings them in)"
