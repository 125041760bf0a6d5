"""Merge rows about the same thing: drop equal ones, gather different values."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from unlabeled.data.labels import BOUNDS, ONE, Labels
from unlabeled.errors import DataError
from unlabeled.wording import counted


@dataclass(frozen=True)
class Gathered:
    """table: one row for each thing; first: (n,) positions of their first rows; repeated: (k,)
    positions of duplicates."""

    table: pa.Table
    first: np.ndarray
    repeated: np.ndarray


def gather(
    table: pa.Table,
    thing: np.ndarray,
    one: Collection[str] = (),
    where: Callable[[list[int]], str] = str,
) -> Gathered:
    """Join the rows of N that are about the same thing.

    thing: (N,) numbers, equal ones side by side; one: columns of which a thing has one value;
    where: names rows in messages. A column in which a thing has several values becomes a column of
    lists; empty fields add nothing. Raises DataError where a column of `one` has several.
    """
    first = np.flatnonzero(np.diff(thing, prepend=thing[:1] - 1))
    if len(first) == len(thing):
        return Gathered(table, first, np.array([], int))
    ends = np.append(first[1:], len(thing))
    runs = [range(a, b) for a, b in zip(first.tolist(), ends.tolist(), strict=True) if b - a > 1]
    columns = {}
    for name in table.column_names:
        column, kept = table[name].combine_chunks(), dict[int, list[int]]()
        for run in runs:
            kept[run[0]] = _different(column, run)
            if len(kept[run[0]]) > 1 and name in one:
                values = [column[place].as_py() for place in kept[run[0]]]
                raise DataError(
                    f"{where(kept[run[0]])}, column {name}: expected one value, as the rows are "
                    f"about the same, found {' and '.join(map(repr, values))}"
                )
        columns[name] = _joined(column, first.tolist(), kept)
    return Gathered(pa.table(columns), first, _repeated(table, runs))


def gather_labels(labels: Labels, thing: np.ndarray) -> tuple[Labels, np.ndarray]:
    """One row for each thing that labels are about, and where its first row was, (n,) int.

    thing: (N,) numbers, equal ones side by side. Duplicate labels are noted. Raises DataError where
    a thing has two groups, splits or folds.
    """
    about = [name for name in ("item", *BOUNDS) if name in labels.table.column_names]
    found = gather(labels.table.drop_columns(about), thing, ONE, labels.where)
    table = labels.table.select(about).take(pa.array(found.first, pa.int64()))
    for name in found.table.column_names:
        table = table.append_column(name, found.table[name])
    notes = labels.notes
    if len(found.repeated):
        where = labels.where(found.repeated)
        repeated = counted(len(found.repeated), "label", "repeats", "repeat")
        notes += (f"{repeated} others ({where}): once is counted.",)
    return Labels(table, labels.rows[found.first], labels.name, notes), found.first


def _different(column: pa.Array, run: range) -> list[int]:
    """Rows of a run with the first of each different value, or its first row if all are empty."""
    seen: dict[str, int] = {}
    for place in run:
        if column[place].is_valid:
            seen.setdefault(repr(column[place].as_py()), place)
    return list(seen.values()) or [run[0]]


def _joined(column: pa.Array, first: list[int], kept: dict[int, list[int]]) -> pa.Array:
    """The values at `first`, or lists of those at `kept` where one of them has several."""
    places = [kept.get(place, [place]) for place in first]
    if all(len(each) == 1 for each in places):
        return column.take(pa.array([each[0] for each in places], pa.int64()))
    values = column.take(pa.array([place for each in places for place in each], pa.int64()))
    offsets = np.cumsum([0, *map(len, places)])
    empty = pa.array([not column[each[0]].is_valid for each in places])
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), values, mask=empty)


def _repeated(table: pa.Table, runs: list[range]) -> np.ndarray:
    """Rows that are equal to an earlier one of their run."""
    found = []
    for run in runs:
        rows = list(map(repr, table.slice(run[0], len(run)).to_pylist()))
        found += [place for n, place in enumerate(run) if rows[n] in rows[:n]]
    return np.array(found, int)
