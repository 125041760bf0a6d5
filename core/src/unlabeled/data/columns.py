"""Text columns as numbers; errors name the row that is not a number."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from unlabeled.data.tables import Table, name_rows
from unlabeled.errors import DataError
from unlabeled.wording import counted

MISSING = ("", "NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "#N/A", "#NA", "<NA>")
"""Words for a missing value; their rows are counted."""

NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
CODE = r"^0\d"
"""Leading zeros make a code: "007" is not 7."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A column of N fields as numbers.

    values: (N,) float64, 0 where not `known`; wrong: (N,) bool, fields that are neither a finite
    number nor missing; whole: (N,) bool, numbers written without point or exponent.
    """

    values: np.ndarray
    known: np.ndarray
    wrong: np.ndarray
    whole: np.ndarray


def parse(column: pa.ChunkedArray, *, comma: bool = False) -> Parsed:
    """The numbers in a column of text or numbers. comma: decimal commas are numbers too."""
    if not is_text(column.type):
        return _of_numbers(column)
    text = without_missing(column)
    text = pc.replace_substring_regex(text, r"^\+", "")
    if comma:
        text = pc.replace_substring_regex(text, r"^(-?\d+),(\d+)$", r"\1.\2")
    matched = pc.fill_null(pc.match_substring_regex(text, NUMBER), False)
    values = pc.cast(pc.if_else(matched, text, pa.scalar(None, pa.string())), pa.float64())
    whole = pc.fill_null(pc.match_substring_regex(text, r"^-?\d+$"), False)
    filled = _numpy(pc.fill_null(values, 0.0))
    known = _numpy(matched) & np.isfinite(filled)
    wrong = _numpy(pc.is_valid(text)) & ~known
    return Parsed(np.where(known, filled, 0.0), known, wrong, _numpy(whole))


def numbers(table: Table, name: str) -> tuple[np.ndarray, np.ndarray]:
    """A column as (values (N,) float64, known (N,) bool).

    Raises DataError, with the row, where a field is neither a finite number nor missing.
    """
    parsed = parse(table.columns[name], comma=table.delimiter == ";")
    for place in np.flatnonzero(parsed.wrong)[:1]:
        found = table.columns[name][int(place)].as_py()
        others = len(np.flatnonzero(parsed.wrong)) - 1
        more = f" (and {counted(others, 'more row')})" if others else ""
        raise DataError(
            f"{table.path}, row {table.rows[place]}, column {name}: expected a finite number or "
            f"nothing, found {found!r}{more}."
        )
    return parsed.values, parsed.known


def typed(table: Table, text: Collection[str] = ()) -> Table:
    """Convert text columns that hold only numbers to int64 or float64; leave the others.

    text: columns that stay text. A column with leading zeros is text.
    """
    columns = table.columns
    for place, name in enumerate(columns.column_names):
        column = columns[name]
        if name in text:
            column = pc.cast(plain(column), pa.string())
        elif is_text(column.type):
            column = _inferred(column, comma=table.delimiter == ";")
        columns = columns.set_column(place, name, column)
    return replace(table, columns=columns)


def notes_on_missing(table: Table, typed: Table, names: Collection[str]) -> list[str]:
    """Sentences that name the rows with a word for a missing value."""
    notes = []
    for name in names:
        if not is_text(table.columns[name].type):
            continue
        gone = pc.and_(pc.is_valid(table.columns[name]), pc.is_null(typed.columns[name]))
        rows = table.rows[np.flatnonzero(_numpy(gone))].tolist()
        if rows:
            words = table.columns[name].filter(gone).unique().to_pylist()
            notes.append(
                f"{table.path.name}, column {name}: {len(rows)} fields "
                f"({', '.join(map(repr, words))}; {name_rows(rows)}) count as missing."
            )
    return notes


def without_missing(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Replace words for missing values and NaN by null, and decode dictionaries."""
    column = plain(column)
    if not is_text(column.type):
        return column
    return pc.if_else(
        pc.is_in(column, pa.array(MISSING, column.type)), pa.scalar(None, column.type), column
    )


def plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """NaN becomes null, dictionaries their values, and decimals numbers."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_decimal(column.type):
        column = column.cast(pa.float64())
    if pa.types.is_floating(column.type):
        return pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
    return column


def is_number(kind: pa.DataType) -> bool:
    """Whether a column of this type holds whole or other numbers."""
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def is_text(kind: pa.DataType) -> bool:
    """Whether a column of this type holds text."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _inferred(column: pa.ChunkedArray, *, comma: bool) -> pa.ChunkedArray:
    parsed, text = parse(column, comma=comma), without_missing(column)
    codes = pc.any(pc.match_substring_regex(text, CODE)).as_py()
    if parsed.wrong.any() or not parsed.known.any() or codes:
        return text
    whole = parsed.whole[parsed.known].all() and np.abs(parsed.values).max() < 2**53
    values = parsed.values.astype(np.int64) if whole else parsed.values
    return pa.chunked_array([pa.array(values, mask=~parsed.known)])


def _of_numbers(column: pa.ChunkedArray) -> Parsed:
    column = plain(column)
    there = _numpy(pc.is_valid(column))
    if not is_number(column.type):
        return Parsed(np.zeros(len(there)), np.zeros_like(there), there, np.zeros_like(there))
    values = _numpy(pc.fill_null(pc.cast(column, pa.float64()), 0.0))
    known = there & np.isfinite(values)
    whole = known & pa.types.is_integer(column.type)
    return Parsed(np.where(known, values, 0.0), known, there & ~known, whole)


def _numpy(column: pa.ChunkedArray) -> np.ndarray:
    values: np.ndarray = (
        column.to_numpy(zero_copy_only=False) if isinstance(column, pa.Array) else column.to_numpy()
    )
    return values
