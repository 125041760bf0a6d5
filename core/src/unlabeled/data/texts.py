"""Texts in tables, each with the file it belongs to: reports of images, captions, residues.

A reader derives from `TextTables` and has its own name in its plugin, where it may declare itself
private. An index holds the length and a hash of a text, never a word.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field

from unlabeled.data.items import Item, Items
from unlabeled.data.listing import FileRules, Listed, Listing, list_files
from unlabeled.data.signature import content_of
from unlabeled.data.tables import SUFFIXES, Table, read_table
from unlabeled.data.vocabulary import LARGEST, characters_of, train_pieces
from unlabeled.errors import DataError, UnreadableItem
from unlabeled.settings import Settings

COLUMNS = ("id", "source", "group", "size", "signature", "row")
TABLES = 4
"""Tables whose texts are held in memory."""


class TextTables(Settings):
    """Reads tables with a column of texts, or several; an item is a row, and size its characters.

    The id is the file that the row belongs to (column `path`), as an index of these files has it,
    `#2` at the end of its second text and so on; or `table#row` where there is no such column.
    """

    text: tuple[str, ...] = Field(
        ("text",), min_length=1, description="columns with text; several are read as sections"
    )
    path: str = Field("path", description="column with the file of each row, if there is one")
    group: str | None = Field(None, description="column with the group: patient, speaker, family")
    case: Literal["lower", "kept"] = Field("lower", description="of letters")
    longest: int = Field(20_000, ge=1, description="characters of a text; longer ones are left out")
    split: Literal["pieces", "characters"] = Field(
        "pieces", description="what a token is: a piece of a word, or a character"
    )
    vocabulary_size: int = Field(
        2000, ge=8, le=LARGEST, description="pieces to train, if tokens are pieces"
    )
    vocabulary_groups: int = Field(
        1, ge=1, description="groups that must hold a word (or character) for it to be a token"
    )

    def index(self, path: Path) -> Items:
        """All rows of the tables below `path` that have the columns; rows without text are out.

        Raises DataError if there is none.
        """
        listing = list_files(path, FileRules(), SUFFIXES)
        rows = _Rows()
        notes: list[str] = []
        for file in listing.files:
            try:
                table = read_table(file.path)
            except DataError as error:
                found = str(error).removeprefix(f"{file.path}: ")
                listing.quarantine(UnreadableItem(str(file.path), "a table of texts", found))
                continue
            wanted = (*self.text, *([self.group] if self.group else []))
            if missing := [name for name in wanted if name not in table.names]:
                listing.leave_out(f"that have no column {missing[0]} (reader.text, reader.group)")
                continue
            listing.quarantined += table.quarantined()
            notes += table.notes()
            self._add(file, table, rows, listing)
        return listing.items(rows.columns, notes, of="row with text")

    def read(self, item: Item, rng: np.random.Generator | None = None) -> tuple[str, ...]:  # noqa: ARG002
        """The texts of a row, one per column. Raises UnreadableItem."""
        place = f"{item.source}, row {item.metadata['row']}"
        try:
            file = Path(item.source)
            kept = _texts(file, self.text, self.case, file.stat().st_mtime_ns)
        except (OSError, DataError) as error:
            raise UnreadableItem(place, "a table of texts", type(error).__name__) from error
        parts = kept.get(item.metadata["row"], ())
        if content_of(*parts) != item.signature:
            raise UnreadableItem(place, "the text that was listed", "another one")
        return parts

    def describe(self, items: Items) -> Mapping[str, Any]:
        """`vocabulary` and `split`, for an encoder of texts. Reads all texts.

        Raises DataError if no word is common enough; UsageError without the extra `text`.
        """
        texts = self._grouped(items)
        if self.split == "characters":
            found = characters_of(texts, self.vocabulary_groups)
        else:
            found = train_pieces(texts, self.vocabulary_size, self.vocabulary_groups)
        return {"vocabulary": found, "split": self.split}

    def _grouped(self, items: Items) -> Iterator[tuple[str, str]]:
        """Group and text of the items that can be read; the others are counted in training."""
        for item in items:
            with suppress(UnreadableItem):
                for part in self.read(item):
                    yield item.group or item.id, part

    def _add(self, file: Listed, table: Table, rows: _Rows, listing: Listing) -> None:
        texts = _by_row(table, self.text, self.case)
        paths = _column(table, self.path) if self.path in table.names else [""] * len(table)
        groups = _column(table, self.group) if self.group else [""] * len(table)
        for row, path, group in zip(table.rows.tolist(), paths, groups, strict=True):
            size = sum(map(len, texts[row]))
            if not 0 < size <= self.longest:
                expected = f"text of 1 to {self.longest} characters (reader.longest)"
                found = f"{size} characters" if size else "none"
                listing.quarantine(UnreadableItem(f"{file.path}, row {row}", expected, found))
                continue
            name, signature = path or f"{file.name}#{row}", content_of(*texts[row])
            rows.add(name, str(file.path), group, size, signature, row)


@dataclass
class _Rows:
    """The columns of an index."""

    columns: dict[str, list[Any]] = field(default_factory=lambda: {name: [] for name in COLUMNS})
    _times: dict[str, int] = field(default_factory=dict)

    def add(self, name: str, *values: Any) -> None:
        """A row of that id, with `#2` at its end if there is one already."""
        wanted = name
        while name in self._times:
            self._times[wanted] += 1
            name = f"{wanted}#{self._times[wanted]}"
        self._times[name] = 1
        for column, value in zip(self.columns.values(), (name, *values), strict=True):
            column.append(value)


@lru_cache(maxsize=TABLES)
def _texts(
    file: Path,
    columns: tuple[str, ...],
    case: str,
    modified: int,  # noqa: ARG001 - a table that changed is read again
) -> dict[int, tuple[str, ...]]:
    """By row. Raises DataError."""
    table = read_table(file)
    table.require(*columns)
    return _by_row(table, columns, case)


def _by_row(table: Table, columns: tuple[str, ...], case: str) -> dict[int, tuple[str, ...]]:
    texts = zip(*(_column(table, name) for name in columns), strict=True)
    tidied = (tuple(tidy(text, case) for text in each) for each in texts)
    return dict(zip(table.rows.tolist(), tidied, strict=True))


def _column(table: Table, name: str) -> list[str]:
    return ["" if value is None else str(value) for value in table.columns[name].to_pylist()]


def tidy(text: str, case: str = "lower") -> str:
    """Unicode in its compatible composed form (NFKC), single spaces, optionally in lower case."""
    text = " ".join(unicodedata.normalize("NFKC", text).split())
    return text.lower() if case == "lower" else text
