"""The words by which a run knows the items of one group: names, and pseudonyms if it is private."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from unlabeled.privacy import Pseudonyms, data_of, read_names
from unlabeled.run_folder import JsonLines, RunFolder

SHORTEST = 3
"""Shorter words, and numbers with at most this many digits, occur in any text by chance."""


@dataclass(frozen=True, slots=True)
class Person:
    """groups, items: names and pseudonyms; sources: of the items, if recorded; signatures: of the
    items, as training recorded them."""

    groups: frozenset[str]
    items: frozenset[str]
    sources: frozenset[str] = frozenset()
    signatures: frozenset[str] = frozenset()

    @property
    def labelled(self) -> frozenset[str]:
        """As lists of labelled groups call them: an item without a group is named itself."""
        return self.groups | {f"item {item}" for item in self.items}

    def owns(self, signature: str) -> bool:
        """Whether it is that of a file of theirs, by content or by size and times."""
        stats, _, content = signature.rpartition(".")
        parts = [kept.rpartition(".") for kept in self.signatures]
        return any(
            signature == "".join(kept) or (content and content == kept[2]) or stats == kept[0]
            for kept in parts
        )

    def mentioned(self, text: str) -> bool:
        """Whether one of their words occurs in a text: `P1` does not occur in `P10`."""
        words = (word for word in self.groups | self.items | self.sources if word in text)
        return any(
            re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text) for word in words if _tells(word)
        )


def known_to(folder: RunFolder, group: str) -> Person:
    """Their items as the run lists them; none if it knows no group of that name."""
    groups, rows = named(folder.private, group), list(JsonLines(folder.trained_on).rows())
    own = [row for row in rows if row.get("group", "") in groups]
    items, sources = {row["item"] for row in own}, set[str]()
    root = data_of(folder.private) if (folder.private / "data.json").is_file() else None
    for row in _listed(folder.private, groups):
        items |= {row["pseudonym"], row["id"]}
        sources.add(absolute(row["source"], root))
    signatures = {row["signature"] for row in own} - {""}
    return Person(groups, frozenset(items), frozenset(sources), frozenset(signatures))


def named(private: Path, group: str) -> frozenset[str]:
    """The group's name and pseudonym, whichever of them is given. private: the folder, or none."""
    if not (private / "salt").is_file():
        return frozenset({group})
    names = {group, *Pseudonyms(private, None).of("group", [group])}
    rows = _listed(private, names)
    return frozenset(names | {row[key] for row in rows for key in ("group", "group_pseudonym")})


def absolute(source: str, root: Path | None) -> str:
    """A source that was written from another folder, below the data at `root`; else as it is."""
    if root is None:
        return source
    # From the top: below `root` itself, which is for data that were called ".", all would fit.
    places = (parent / source for parent in (*reversed(root.parents), root))
    # A file from elsewhere, which a table of paths may name, is below none of them.
    return str(next((place for place in places if place.is_relative_to(root)), source))


def _listed(private: Path, groups: Iterable[str]) -> list[dict[str, str]]:
    """Rows of `items.csv` of these groups."""
    file, wanted = private / "items.csv", set(groups)
    rows = read_names(file).to_pylist() if file.is_file() else []
    return [row for row in rows if {row["group"], row["group_pseudonym"]} & wanted]


def _tells(word: str) -> bool:
    return len(word) > SHORTEST or (len(word) == SHORTEST and not word.isdigit())
