"""Rows of a delimited text file in any encoding; a line that is not a row is reported."""

from __future__ import annotations

import codecs
import csv
import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO

DELIMITERS = (",", ";", "\t", "|")
MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
"""Byte-order marks and their encodings; Excel writes all three."""

SEPARATOR = re.compile(r"sep=(.)", re.IGNORECASE)
"""A first line that names the delimiter for Excel; it is not a row."""

LONGEST = 100
"""Lines that one quoted field may run over; a quote that stays open longer is a mistake."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be used. number: its line in a text file, whose header is row 1."""

    number: int
    expected: str
    found: str


@dataclass(slots=True)
class Lines:
    """The rows of a text file, read one at a time.

    latin1: numbers of the rows that are not UTF-8; bad: the rows that do not parse.
    """

    path: Path
    latin1: list[int] = field(default_factory=list)
    bad: list[BadRow] = field(default_factory=list)

    def rows(self, delimiter: str, width: int | None) -> Iterator[tuple[int, list[str]]]:
        """(number, fields) of each row that parses and has `width` fields, the header included.

        width: that of the first row if None.
        """
        lines = _Ahead(self.numbered())
        for number, text in lines:
            if not text.strip() or (number == 1 and SEPARATOR.fullmatch(text)):
                continue
            fields = _fields(text, delimiter, lines)
            width = width or len(fields)
            if isinstance(fields, str):
                self.bad.append(BadRow(number, f"{width} fields", fields))
            elif len(fields) < width or any(fields[width:]):
                self.bad.append(BadRow(number, f"{width} fields", str(len(fields))))
            else:
                yield number, [value.strip() for value in fields[:width]]

    def numbered(self) -> Iterator[tuple[int, str]]:
        """(number, text without its end) of each line."""
        with _opened(self.path) as stream:
            for number, line in enumerate(stream, start=1):
                text = line if line.isascii() else self._decoded(number, line)
                yield number, text.rstrip("\n")

    def _decoded(self, number: int, line: str) -> str:
        try:
            line.encode()
        except UnicodeEncodeError:  # surrogates mark bytes that are not UTF-8
            self.latin1.append(number)
            return line.encode(errors="surrogateescape").decode("latin-1")
        return line


class _Ahead(Iterator[tuple[int, str]]):
    """Numbered lines, some of which may be put back."""

    def __init__(self, lines: Iterator[tuple[int, str]]) -> None:
        self._lines = lines
        self._waiting: list[tuple[int, str]] = []

    def __next__(self) -> tuple[int, str]:
        return self._waiting.pop(0) if self._waiting else next(self._lines)

    def back(self, lines: list[tuple[int, str]]) -> None:
        self._waiting[:0] = lines


def _fields(text: str, delimiter: str, following: _Ahead) -> list[str] | str:
    """The fields of the row that begins with the line `text`, or why it has none.

    A quoted field may continue in the next lines; if its quote is never closed, those lines are
    rows of their own.
    """
    if '"' not in text:
        return text.split(delimiter)
    taken: list[tuple[int, str]] = []
    while True:
        try:
            return next(csv.reader([text], delimiter=delimiter, strict=True))
        except csv.Error as error:
            is_open = "unexpected end" in str(error)
            reason = "a quote that is not closed" if is_open else "text after a closing quote"
        more = _up_to_a_quote(following, LONGEST - len(taken)) if is_open else []
        taken += more
        if not more or '"' not in more[-1][1]:
            following.back(taken)
            return reason
        text = "\n".join([text, *(line for _, line in more)])


def _up_to_a_quote(lines: _Ahead, most: int) -> list[tuple[int, str]]:
    """The next lines, at most `most`, the last of them being the first that holds a quote."""
    taken = []
    for line in islice(lines, max(most, 0)):
        taken.append(line)
        if '"' in line[1]:
            break
    return taken


def guess_delimiter(path: Path) -> str:
    """The delimiter that occurs most in the header, outside of quotes; a tab for `.tsv` if none."""
    header = next((text for _, text in Lines(path).numbered() if text.strip()), "")
    if said := SEPARATOR.fullmatch(header):
        return said[1]
    bare = "".join(header.split('"')[::2])
    best = max(DELIMITERS, key=bare.count)
    if bare.count(best):
        return best
    return "\t" if ".tsv" in path.suffixes else ","


def _opened(path: Path) -> IO[str]:
    encoding = _encoding(path)
    escape = "replace" if encoding == "utf-16" else "surrogateescape"
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding=encoding, errors=escape)
    return path.open(encoding=encoding, errors=escape)


def _encoding(path: Path) -> str:
    head = first_bytes(path, 3)
    return next((name for mark, name in MARKS.items() if head.startswith(mark)), "utf-8")


def first_bytes(path: Path, count: int) -> bytes:
    """The first bytes of a file, or of what a `.gz` file holds."""
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        return file.read(count)


def is_plain(path: Path) -> bool:
    """Whether a file is not compressed, and without UTF-16 and quotes."""
    if path.suffix == ".gz" or _encoding(path) == "utf-16":
        return False
    with path.open("rb") as file:
        return not any(b'"' in block for block in iter(lambda: file.read(1 << 20), b""))
