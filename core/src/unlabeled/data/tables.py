"""Reads every kind of table: labels, manifests, molecules, edges.

CSV with `,`, `;`, tabs or `|` (also gzipped), JSON lines, or Parquet. Text may be UTF-8 with or
without a byte-order mark, or UTF-16 with one; rows with other bytes are read as Latin-1. White
space around a field is dropped. A row that does not parse is left out, counted and named.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from unlabeled.data.items import Quarantined
from unlabeled.data.lines import BadRow, Lines, first_bytes, guess_delimiter, is_plain
from unlabeled.errors import DataError
from unlabeled.wording import counted

TEXT = (".csv", ".tsv", ".txt", ".tab")
JSON = (".jsonl", ".ndjson")
PARQUET = (".parquet", ".pq")
SUFFIXES = frozenset((*TEXT, *JSON, *PARQUET, *(f"{suffix}.gz" for suffix in (*TEXT, *JSON))))
"""Endings, in lower case, of the files that `read_table` reads."""

CHUNK = 50_000
"""Rows that are held as Python objects at a time."""

NAMED = 3
"""Rows that a message names."""


@dataclass(frozen=True)
class Table:
    """N rows of a file.

    columns: text for CSV, where an empty field is null; its own types for Parquet and JSON lines;
    rows: (N,) int64, the row of each in the file: its line in a text file, whose header is row 1,
    else counted from 1; bad: rows that are left out; latin1: rows whose bytes are no UTF-8;
    delimiter: of CSV, else empty.
    """

    path: Path
    columns: pa.Table
    rows: np.ndarray
    bad: tuple[BadRow, ...] = ()
    latin1: tuple[int, ...] = ()
    unnamed: int = 0
    delimiter: str = ""

    def __len__(self) -> int:
        return int(self.columns.num_rows)

    @property
    def names(self) -> list[str]:
        return list(self.columns.column_names)

    def take(self, places: np.ndarray) -> Table:
        """The rows at these positions, (n,) int."""
        return replace(self, columns=self.columns.take(pa.array(places)), rows=self.rows[places])

    def where(self, place: int) -> str:
        """The row at a position, as the user finds it: "labels.csv, row 17"."""
        return f"{self.path.name}, row {self.rows[place]}"

    def require(self, *names: str) -> None:
        """Raises DataError if a column is missing."""
        for name in names:
            if name not in self.names:
                raise DataError(
                    f"{self.path}: expected a column {name!r}, found {', '.join(self.names)}"
                )

    def quarantined(self) -> list[Quarantined]:
        """The rows that are left out, as a reader lists them."""
        return [Quarantined(f"{self.path}, row {b.number}", b.expected, b.found) for b in self.bad]

    def notes(self) -> list[str]:
        """Sentences about rows that were left out or decoded otherwise."""
        found = []
        if self.bad:
            found.append(
                f"{self.path.name}: {len(self.bad)} of {len(self) + len(self.bad)} rows do not "
                f"parse and are left out: {'; '.join(_reasons(self.bad))}."
            )
        if self.latin1:
            found.append(
                f"{self.path.name}: {counted(len(self.latin1), 'row', 'holds', 'hold')} bytes that "
                f"are not UTF-8, read as Latin-1 ({name_rows(self.latin1)})."
            )
        if self.unnamed:
            found.append(
                f"{self.path.name}: {counted(self.unnamed, 'column')} without a name left out."
            )
        return found


def read_table(path: Path, *, names: Sequence[str] | None = None) -> Table:
    """Read a table whole, a chunk at a time.

    names: of the columns of a text table without a header row, else None.
    Raises DataError if the file cannot be read, is empty, or holds something else.
    """
    kind = Path(path.stem).suffix.lower() if path.suffix == ".gz" else path.suffix.lower()
    try:
        if kind in PARQUET:
            columns = pq.read_table(path)
            return Table(path, columns, np.arange(1, columns.num_rows + 1))
        _require_text(path)
        return _read_json(path) if kind in JSON else _read_text(path, names)
    except FileNotFoundError as error:
        raise DataError(f"{path}: there is no such table") from error
    except (OSError, EOFError, pa.ArrowException, UnicodeError) as error:
        expected = "a table, CSV, JSON lines or Parquet"
        raise DataError(f"{path}: expected {expected}, found: {error}") from error


def is_table(path: Path) -> bool:
    """Whether a file's name ends like that of a table."""
    return path.name.lower().endswith(tuple(SUFFIXES))


def name_rows(numbers: Sequence[int]) -> str:
    """ "row 3", "rows 3, 5 and 9", "rows 3, 5, 9 and 12 more"."""
    shown = [str(number) for number in numbers[:NAMED]]
    rest = len(numbers) - NAMED
    if len(numbers) == 1:
        return f"row {shown[0]}"
    if rest > 0:
        return f"rows {', '.join(shown)} and {rest} more"
    return f"rows {', '.join(shown[:-1])} and {shown[-1]}"


def _reasons(bad: Sequence[BadRow]) -> Iterator[str]:
    """The commonest reasons, with their rows."""
    reasons = Counter((row.expected, row.found) for row in bad)
    for (expected, found), _ in reasons.most_common(NAMED):
        numbers = [row.number for row in bad if (row.expected, row.found) == (expected, found)]
        yield f"{name_rows(numbers)} (expected {expected}, found {found})"
    if len(reasons) > NAMED:
        yield f"and {len(bad) - sum(count for _, count in reasons.most_common(NAMED))} more"


def _require_text(path: Path) -> None:
    head = first_bytes(path, 4096)
    if not head:
        raise DataError(f"{path}: expected a table, found an empty file")
    marked = head[:2] in (b"\xff\xfe", b"\xfe\xff")
    if head.startswith(b"PK") or (b"\0" in head and not marked):
        found = "an Excel or zip file" if head.startswith(b"PK") else "bytes that are no text"
        raise DataError(f"{path}: expected a table, found {found}. Save it as CSV in UTF-8.")


def _read_text(path: Path, names: Sequence[str] | None) -> Table:
    delimiter, lines = guess_delimiter(path), Lines(path)
    rows = lines.rows(delimiter, len(names) if names else None)
    header, names = (0, list(names)) if names else next(rows, (0, []))
    if not any(names):
        raise DataError(f"{path}: expected a header row, found none")
    if twice := sorted({name for name in names if name and list(names).count(name) > 1}):
        raise DataError(f"{path}: expected different names of columns, found {twice[0]!r} twice")
    if header <= 1 and (columns := _plain(path, names, delimiter, header)) is not None:
        found = np.arange(header + 1, header + 1 + columns.num_rows)
        return Table(path, columns, found, delimiter=delimiter)
    numbers, columns = _columns(rows, names)
    if lines.bad and not len(numbers):
        first = lines.bad[0]
        raise DataError(
            f"{path}: none of {len(lines.bad)} rows parses. Row {first.number}: expected "
            f"{first.expected}, found {first.found}."
        )
    bad, latin1, unnamed = tuple(lines.bad), tuple(lines.latin1), list(names).count("")
    return Table(path, columns, numbers, bad, latin1, unnamed, delimiter)


def _plain(path: Path, names: Sequence[str], delimiter: str, header: int) -> pa.Table | None:
    """The fields by pyarrow, many times faster; None where anything in the file is unusual."""
    if not all(names) or len(names) < 2 or not is_plain(path):
        return None
    read = pa.csv.ReadOptions(column_names=names, skip_rows=header)
    parse = pa.csv.ParseOptions(delimiter=delimiter, quote_char=False, ignore_empty_lines=False)
    convert = pa.csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()), null_values=[], strings_can_be_null=False
    )
    try:
        table = pa.csv.read_csv(path, read, parse, convert)
    except pa.ArrowInvalid:  # a row with another number of fields, other bytes
        return None
    columns = [pc.utf8_trim_whitespace(column) for column in table.columns]
    blank = [pc.equal(column, "") for column in columns]
    if pc.any(reduce(pc.and_, blank)).as_py():  # an empty line, which has a number but is no row
        return None
    null = pa.scalar(None, pa.string())
    pairs = zip(blank, columns, strict=True)
    return pa.table([pc.if_else(empty, null, column) for empty, column in pairs], list(names))


def _columns(
    rows: Iterator[tuple[int, list[str]]], names: Sequence[str]
) -> tuple[np.ndarray, pa.Table]:
    """Numbers (N,) and fields of rows, a chunk at a time; a column without a name is left out."""
    kept = [place for place, name in enumerate(names) if name]
    schema = pa.schema([(names[place], pa.string()) for place in kept])
    numbers, chunks = [np.empty(0, np.int64)], [schema.empty_table()]
    while chunk := list(islice(rows, CHUNK)):
        numbers.append(np.array([number for number, _ in chunk]))
        fields = [[row[place] or None for _, row in chunk] for place in kept]
        chunks.append(pa.table([pa.array(f, pa.string()) for f in fields], schema=schema))
    return np.concatenate(numbers), pa.concat_tables(chunks)


def _read_json(path: Path) -> Table:
    """One object a line; every value becomes text, so that columns are typed as those of CSV."""
    found: list[tuple[int, dict[str, object]]] = []
    lines = Lines(path)
    for number, text in lines.numbered():
        if not text.strip():
            continue
        try:
            value = json.loads(text)
        except ValueError as error:
            value = str(error)
        if isinstance(value, dict):
            found.append((number, value))
        else:
            lines.bad.append(BadRow(number, "a JSON object", str(value)))
    names = list(dict.fromkeys(name for _, row in found for name in row))
    if not names:
        raise DataError(f"{path}: expected a JSON object in each line, found none")
    rows = ((number, [_as_text(row.get(name)) for name in names]) for number, row in found)
    numbers, columns = _columns(rows, names)
    return Table(path, columns, numbers, tuple(lines.bad), tuple(lines.latin1))


def _as_text(value: object) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value)
