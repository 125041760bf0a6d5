"""What the columns of a table are: numbers, categories, ordered categories or dates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from unlabeled.data.columns import is_number, plain, typed
from unlabeled.data.dates import years_since_2000
from unlabeled.data.tables import Table, name_rows, read_table
from unlabeled.errors import UnreadableItem
from unlabeled_tabular.row import Marginals

Kind = Literal["number", "category", "date", "leave out"] | tuple[str, ...]
"""A tuple lists the values of an ordered category, lowest first."""

KEPT = 1_000
"""Rows from which an augmentation draws cells."""


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """A table of R rows as its encoder sees it.

    numbers: (R, A) float32, NaN where a cell is empty; codes: (R, B) int32, places of categories in
    `values`, -1 where a cell is empty; rows: (R,) the row of each in the file; notes: sentences
    about what was left out or changed.
    """

    table: pa.Table
    rows: np.ndarray
    number_names: tuple[str, ...]
    numbers: np.ndarray
    text_names: tuple[str, ...]
    values: tuple[tuple[str, ...], ...]
    codes: np.ndarray
    marginals: Marginals
    notes: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Of the columns that are shown."""
        return (*self.number_names, *self.text_names)

    @property
    def width(self) -> int:
        """The number of columns that are shown."""
        return len(self.names)

    def texts(self, place: int) -> np.ndarray:
        """The categories of a row, (B,) str; "" where a cell is empty."""
        found: np.ndarray = _words(self.values, self.codes[[place]])[0]
        return found


@dataclass(slots=True)
class _Shown:
    """The columns found so far."""

    names: list[str]
    numbers: list[np.ndarray]
    text_names: list[str]
    values: list[tuple[str, ...]]
    codes: list[np.ndarray]
    notes: list[str]


@lru_cache(maxsize=4)
def read_columns(
    file: Path,
    changed: int,  # noqa: ARG001 - so that a changed file is read again
    hidden: tuple[str, ...],
    group: str,
    declared: tuple[tuple[str, Kind], ...],
    most: int,
) -> Columns:
    """The columns of a table.

    hidden: columns that are not shown; group: one that is not shown either, if there; declared:
    kinds by name; most: different texts of a category. Raises DataError or UnreadableItem.
    """
    raw, kinds = read_table(file), dict(declared)
    table = typed(raw, text=[name for name, kind in declared if kind == "category"])
    for name in (*kinds, *hidden):
        if name not in table.names:
            raise UnreadableItem(str(file), f"a column {name}", f"columns {', '.join(table.names)}")
    shown = _Shown([], [], [], [], [], list(raw.notes()))
    for name in table.names:
        if name not in (*hidden, group):
            _add(shown, table, name, kinds.get(name), most)
    if not shown.names and not shown.text_names:
        raise UnreadableItem(str(file), "a column of numbers, dates or categories", "none")
    numbers = _side_by_side(shown.numbers, len(table)).astype(np.float32)
    codes = _side_by_side(shown.codes, len(table)).astype(np.int32)
    some = np.linspace(0, len(table) - 1, min(KEPT, len(table))).astype(int)
    return Columns(
        table.columns,
        table.rows,
        tuple(shown.names),
        numbers,
        tuple(shown.text_names),
        tuple(shown.values),
        codes,
        Marginals(numbers[some], _words(shown.values, codes[some])),
        tuple(shown.notes),
    )


def _add(shown: _Shown, table: Table, name: str, kind: Kind | None, most: int) -> None:
    column = plain(table.columns[name])
    if kind == "leave out":
        return
    if isinstance(kind, tuple):
        shown.names.append(name)
        shown.numbers.append(_ranks(table, name, column, kind))
        return
    years = years_since_2000(column) if kind in (None, "date") else None
    if years is not None:
        shown.names.append(name)
        shown.numbers.append(years)
        shown.notes.append(f"{table.path.name}, column {name}: dates count in years since 2000.")
    elif is_number(column.type) and kind in (None, "number"):
        shown.names.append(name)
        shown.numbers.append(_finite(table, name, column))
    elif kind in (None, "category"):
        _add_category(shown, table, name, kind, most)
    else:
        raise UnreadableItem(
            str(table.path), f"a {kind} in every row of column {name}", _examples(column)
        )


def _add_category(shown: _Shown, table: Table, name: str, kind: Kind | None, most: int) -> None:
    text = pc.cast(plain(table.columns[name]), pa.string())
    values = tuple(sorted(text.drop_null().unique().to_pylist()))
    where = f"{table.path.name}, column {name}"
    if kind is None and len(values) > most:
        shown.notes.append(
            f"{where}: left out, as it holds {len(values):,} different texts; "
            f"reader.columns.{name} category keeps it."
        )
    elif len(values) < 2:
        shown.notes.append(f"{where}: left out, as every row has the same value or none.")
    else:
        places = pc.index_in(text, value_set=pa.array(values, pa.string()))
        shown.text_names.append(name)
        shown.values.append(values)
        shown.codes.append(pc.fill_null(places, -1).to_numpy())


def _ranks(table: Table, name: str, column: pa.ChunkedArray, order: Sequence[str]) -> np.ndarray:
    """Places of ordered categories (R,), NaN where a cell is empty."""
    text = pc.cast(column, pa.string())
    places = pc.index_in(text, value_set=pa.array(order, pa.string()))
    wrong = np.flatnonzero(pc.and_(pc.is_valid(text), pc.is_null(places)).to_numpy())
    if len(wrong):
        raise UnreadableItem(
            str(table.path),
            f"one of {', '.join(order)} in column {name}",
            f"{text[int(wrong[0])].as_py()!r} in {name_rows(table.rows[wrong].tolist())}",
        )
    found: np.ndarray = pc.cast(places, pa.float64()).to_numpy()
    return found


def _finite(table: Table, name: str, column: pa.ChunkedArray) -> np.ndarray:
    """Numbers (R,), NaN where a cell is empty. Infinite ones are refused: no statistics survive."""
    values: np.ndarray = pc.cast(column, pa.float64()).to_numpy()
    wrong = np.flatnonzero(np.isinf(values.astype(np.float32)))
    if len(wrong):
        raise UnreadableItem(
            str(table.path),
            f"numbers that float32 holds in column {name}",
            f"{values[wrong[0]]:g} in {name_rows(table.rows[wrong].tolist())}",
        )
    return values


def _examples(column: pa.ChunkedArray) -> str:
    found = Counter(map(str, column.drop_null().slice(0, 1_000).to_pylist()))
    return ", ".join(repr(value) for value, _ in found.most_common(3)) or "nothing"


def _side_by_side(columns: Sequence[np.ndarray], rows: int) -> np.ndarray:
    return np.stack(columns, axis=1) if columns else np.zeros((rows, 0))


def _words(values: Sequence[Sequence[str]], codes: np.ndarray) -> np.ndarray:
    """codes: (M, B), -1 where a cell is empty. Returns (M, B) str, "" there."""
    found = np.full(codes.shape, "", dtype=object)
    for column, words in enumerate(values):
        found[:, column] = np.array([*words, ""], dtype=object)[codes[:, column]]
    return found
