"""Tables of interactions: a row says that a user had to do with an item.

Formats are those of `unlabeled.data.tables`, and NumPy's `.npz`, which holds a column per array, or
pairs of numbers (n, 2) in the arrays `train` and `test`.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from unlabeled.data.columns import parse, plain
from unlabeled.data.dates import seconds_since_2000
from unlabeled.data.globs import fits
from unlabeled.data.tables import SUFFIXES, Table, name_rows, read_table
from unlabeled.errors import DataError, UnreadableItem
from unlabeled.settings import Settings
from unlabeled.wording import counted
from unlabeled_graph.readers.hold_out import HoldOut

ARRAYS = ".npz"
ENDINGS = (*SUFFIXES, ARRAYS)
PAIRS = ("train", "test")


@dataclass(frozen=True, slots=True)
class Rows:
    """R rows that can be used. user, item: text (R,); time: (R,) float64, 0 where the rules need
    none; dates: whether it was dates; test: (R,) bool, marked as held out; notes: on the rest."""

    user: pa.Array
    item: pa.Array
    time: np.ndarray
    dates: bool
    test: np.ndarray
    notes: tuple[str, ...]


class RowRules(Settings):
    """Which columns say who had to do with what, and which rows count."""

    user: str = Field("user", description="column with the users")
    item: str = Field("item", description="column with the items")
    time: str | None = Field(None, description="column with the time, as numbers or dates")
    weight: str | None = Field(None, description="column with a rating or count of each row")
    least_weight: float = Field(
        0.0, description="rows whose weight is smaller are no interactions (with weight)"
    )
    hold_out: HoldOut = Field(HoldOut(), description="interactions kept from training, to test")

    def rows_of(self, file: Path) -> Rows | None:
        """The rows of a file; None if it lacks the users or the items.

        Raises UnreadableItem if it cannot be read, lacks another column or has no row of use.
        """
        table, notes = self._table(file)
        if not {self.user, self.item} <= set(table.names):
            return None
        wanted = [self.time] if self.hold_out.needs_time and self.time else []
        for name in (*wanted, *([self.weight] if self.weight else [])):
            _require_column(table, name)
        users, items = (_text(table, name) for name in (self.user, self.item))
        time, dates = self._times(table)
        weight = self._weights(table)
        train, test = self._marks(table)
        wrong = {
            "without a user or an item": pc.or_(pc.is_null(users), pc.is_null(items)).to_numpy(
                zero_copy_only=False
            ),
            "without a time": np.isnan(time),
            "without a weight": np.isnan(weight),
            f"with a weight below {self.least_weight:g}": weight < self.least_weight,
            f"marked neither train nor test in {self.hold_out.column}": ~(train | test),
        }
        good = np.ones(len(table), bool)
        for what, bad in wrong.items():
            places = np.flatnonzero(good & bad)
            if len(places):
                rows = name_rows(table.rows[places].tolist())
                count = counted(len(places), "row")
                notes.append(f"{file.name}: {count} {what} left out ({rows}).")
            good &= ~bad
        if not good.any():
            found = f"none of {counted(len(table), 'row')}. {' '.join(notes)}"
            raise UnreadableItem(str(file), "a row with a user and an item", found)
        kept = pa.array(good)
        notes += table.notes()
        return Rows(
            users.filter(kept), items.filter(kept), time[good], dates, test[good], tuple(notes)
        )

    def _table(self, file: Path) -> tuple[Table, list[str]]:
        if file.suffix.lower() == ARRAYS:
            return _of_arrays(file, self.user, self.item, self.hold_out.column)
        try:
            return read_table(file), []
        except DataError as error:
            found = str(error).removeprefix(f"{file}: ")
            raise UnreadableItem(str(file), "a table that can be read", found) from error

    def _times(self, table: Table) -> tuple[np.ndarray, bool]:
        """(R,), NaN where there is none, and whether they are dates."""
        if not self.time or not self.hold_out.needs_time:
            return np.zeros(len(table)), False
        column = table.columns[self.time]
        dates = seconds_since_2000(column)
        return (_numbers(table, self.time), False) if dates is None else (dates, True)

    def _weights(self, table: Table) -> np.ndarray:
        """(R,), NaN where there is none; as large as needed without a column."""
        if not self.weight:
            return np.full(len(table), self.least_weight)
        return _numbers(table, self.weight)

    def _marks(self, table: Table) -> tuple[np.ndarray, np.ndarray]:
        """Whether a row is for training, (R,), and for testing, (R,)."""
        every, none = np.ones(len(table), bool), np.zeros(len(table), bool)
        rules = self.hold_out
        if rules.by != "given":
            return every, none
        if rules.test and fits(table.path.name, rules.test):
            return none, every
        if rules.column not in table.names:
            return every, none
        marks = _text(table, rules.column)
        train, test = (
            pc.fill_null(pc.equal(marks, mark), False).to_numpy(zero_copy_only=False)
            for mark in PAIRS
        )
        return train, test


def _numbers(table: Table, name: str) -> np.ndarray:
    parsed = parse(table.columns[name], comma=table.delimiter == ";")
    return np.where(parsed.known, parsed.values, np.nan)


def _text(table: Table, name: str) -> pa.Array:
    """A column as text, (R,), null where there is nothing. Raises UnreadableItem."""
    try:
        column = pc.cast(plain(table.columns[name]), pa.string()).combine_chunks()
    except pa.ArrowException as error:
        found = f"values of type {table.columns[name].type}"
        raise UnreadableItem(str(table.path), f"names in column {name}", found) from error
    return pc.if_else(pc.equal(column, ""), pa.scalar(None, pa.string()), column)


def _require_column(table: Table, name: str) -> None:
    if name not in table.names:
        found = f"columns {', '.join(table.names)}"
        raise UnreadableItem(str(table.path), f"a column {name}", found)


def _of_arrays(file: Path, user: str, item: str, split: str) -> tuple[Table, list[str]]:
    """An archive as a table, with a note on the arrays that are no part of it."""
    arrays = dict(_arrays(file))
    pairs = [name for name in PAIRS if _holds_pairs(arrays.get(name))]
    if pairs:
        joined = np.concatenate([arrays[name] for name in pairs])
        marks = np.repeat(pairs, [len(arrays[name]) for name in pairs])
        columns = {user: joined[:, 0], item: joined[:, 1], split: marks}
    else:
        size = len(arrays[user]) if user in arrays and arrays[user].ndim == 1 else -1
        columns = {name: array for name, array in arrays.items() if array.shape == (size,)}
    used = pairs or list(columns)
    rest = [name for name in arrays if name not in used]
    notes = [f"{file.name}: the arrays {', '.join(rest)} are not used."] if rest and used else []
    table = pa.table(columns)
    return Table(file, table, np.arange(1, table.num_rows + 1)), notes


def _arrays(file: Path) -> Iterator[tuple[str, np.ndarray]]:
    """Raises UnreadableItem; arrays of objects could run code and are refused."""
    try:
        with np.load(file, allow_pickle=False) as archive:
            if not isinstance(archive, Mapping):
                raise ValueError("one array without a name")
            yield from archive.items()
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise UnreadableItem(str(file), "a NumPy archive of plain arrays", str(error)) from error


def _holds_pairs(array: np.ndarray | None) -> bool:
    return (
        array is not None and array.ndim == 2 and array.shape[1] == 2 and array.dtype.kind in "iu"
    )
