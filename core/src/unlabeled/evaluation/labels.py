"""The labels table: which item has which target, and what else it says about the items.

A CSV or Parquet file with a column `item` (the item's id, or its file relative to the data
folder), one or more target columns, and optionally `group`, and `fold` or else `split` ("train",
"test"). A row may be about a part of an item: a node (`item#node`, counted from 0), or a stretch
of it (columns `start` and `end`, in the unit of the encoder's positions: s, mm).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from unlabeled.errors import DataError, UsageError
from unlabeled.items import REQUIRED, Items

Task = Literal["classification", "regression"]

TEXT = ("item", "group", "split", "fold")
BOUNDS = ("start", "end")
KEYS = (*TEXT, *BOUNDS)
"""The columns that are no targets."""

MOST_CLASSES = 20
"""More different numbers than this are taken for a quantity."""


@dataclass(frozen=True, slots=True)
class Target:
    """One target of N items.

    values: (N,) class numbers (int64) or values (float64), meaningless where not `known`;
    classes: what the numbers stand for, empty for values.
    """

    name: str
    values: np.ndarray
    known: np.ndarray
    classes: tuple[str, ...] = ()


def read_labels(path: Path) -> pa.Table:
    """Read a labels table. Raises DataError."""
    text = {name: pa.string() for name in TEXT}
    try:
        if path.suffix == ".parquet":
            table = pq.read_table(path)
        else:
            options = pyarrow.csv.ConvertOptions(column_types=text, strings_can_be_null=True)
            table = pyarrow.csv.read_csv(path, convert_options=options)
    except FileNotFoundError as error:
        raise DataError(f"{path}: there is no such labels table") from error
    except (OSError, pa.ArrowInvalid) as error:
        raise DataError(f"{path}: expected a labels table, CSV or Parquet: {error}") from error
    if "item" not in table.column_names:
        raise DataError(
            f"{path}: expected a column `item` (ids, or paths relative to the data), found "
            f"{', '.join(table.column_names)}."
        )
    return table


def labels_in(items: Items) -> pa.Table:
    """The metadata columns of an index as a labels table."""
    extra = [name for name in items.table.column_names if name not in REQUIRED]
    return items.table.select(["id", *extra]).rename_columns(["item", *extra])


def target_names(table: pa.Table, chosen: Sequence[str]) -> list[str]:
    """The chosen target columns, or the only one there is. Raises UsageError."""
    there = [name for name in table.column_names if name not in KEYS]
    unknown = [name for name in chosen if name not in there]
    if unknown or not there:
        wanted = f"target {unknown[0]!r}" if unknown else "a target"
        raise UsageError(f"the labels have no column for {wanted}. They have: {', '.join(there)}.")
    if not chosen and len(there) > 1:
        raise UsageError(f"the labels have several targets, choose: {', '.join(there)}.")
    return list(chosen) or there


def infer_task(table: pa.Table, names: Sequence[str]) -> Task:
    """Classes, if a target is text or holds few whole numbers; else quantities.

    Raises UsageError if the targets differ in that.
    """
    tasks: dict[str, Task] = {name: _task(table[name]) for name in names}
    if len(set(tasks.values())) > 1:
        kinds = ", ".join(f"{name} ({task})" for name, task in tasks.items())
        raise UsageError(f"targets of different kinds, evaluate them apart: {kinds}.")
    return tasks[names[0]]


def read_target(table: pa.Table, name: str, task: Task) -> Target:
    """A column as class numbers or values. Raises DataError if it is of the other kind."""
    column = plain(table[name])
    known = column.is_valid().to_numpy(zero_copy_only=False)
    if not known.any():
        raise DataError(f"target {name!r}: no item has a value")
    if task == "regression":
        if not is_number(column.type):
            example = column.drop_null()[0].as_py()
            raise DataError(
                f"target {name!r}: expected numbers for a regression, found {example!r}. "
                "Choose the probe logistic or knn."
            )
        filled = column.cast(pa.float64()).fill_null(0.0)
        return Target(name, filled.to_numpy(zero_copy_only=False), known)
    if pa.types.is_floating(column.type) and not _whole(column):
        raise DataError(
            f"target {name!r}: expected classes, found fractions. Choose the probe ridge."
        )
    labels = column.drop_null().unique().to_pylist()
    number = {label: place for place, label in enumerate(sorted(labels))}
    values = np.array([number.get(value, 0) for value in column.to_pylist()], dtype=np.int64)
    return Target(name, values, known, tuple(map(str, sorted(labels))))


def _task(column: pa.ChunkedArray) -> Task:
    column = plain(column)
    few = is_number(column.type) and _whole(column) and len(column.unique()) <= MOST_CLASSES
    return "classification" if few or not is_number(column.type) else "regression"


def plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """NaN becomes null, and dictionaries their values."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_floating(column.type):
        return pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
    return column


def is_number(kind: pa.DataType) -> bool:
    """Whether a column of this type holds whole or other numbers."""
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _whole(column: pa.ChunkedArray) -> bool:
    values = column.drop_null().to_numpy()
    return bool(np.all(values == np.round(values)))
