"""Target columns: classes, quantities, or several labels of one item."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from unlabeled.data.columns import is_number, is_text, parse, plain
from unlabeled.data.labels import Labels
from unlabeled.errors import DataError, UsageError
from unlabeled.wording import counted

Task = Literal["classification", "regression"]

MOST_CLASSES = 20
"""A column with more different numbers is a quantity."""

ABSENT, PRESENT = "no", "yes"
"""The classes of one of several labels."""


@dataclass(frozen=True, slots=True)
class Target:
    """One target of N items.

    values: (N,) class numbers (int64) or values (float64), meaningless where not `known`;
    classes: their names, empty for values; label: where an item may have several labels, the one
    that this target is about; class 1 are the items that have it.
    """

    name: str
    values: np.ndarray
    known: np.ndarray
    classes: tuple[str, ...] = ()
    label: str = ""


def infer_task(labels: Labels, names: Sequence[str]) -> tuple[Task, str]:
    """Classes or quantities, and why: numbers are quantities unless they look like classes.

    Whole numbers are classes if there are at most two different ones, or at most 20 in at least
    twice as many rows. Raises UsageError if targets are of both kinds, DataError where most values
    are numbers and some are not.
    """
    found = {name: _task(labels, name) for name in names}
    if len({task for task, _ in found.values()}) > 1:
        kinds = ", ".join(f"{name} ({task})" for name, (task, _) in found.items())
        raise UsageError(f"targets of different kinds, evaluate them apart: {kinds}.")
    return found[names[0]][0], "; ".join(f"{name} holds {why}" for name, (_, why) in found.items())


def has_several(labels: Labels, name: str) -> bool:
    """Whether items have several values in this column."""
    return bool(pa.types.is_list(labels.table[name].type))


def read_targets(labels: Labels, name: str, task: Task) -> list[Target]:
    """A column as class numbers or values; one target for each label where items have several.

    Raises DataError if the column is of the other kind, and names a row.
    """
    column = plain(labels.table[name])
    known = column.is_valid().to_numpy()
    if not known.any():
        raise DataError(f"target {name!r}: no item has a value")
    if has_several(labels, name):
        return _labels_apart(labels, name, task, known)
    if task == "regression":
        return [_quantity(labels, name, known)]
    _refuse_infinite(labels, name)
    if _has_fractions(column):
        raise DataError(
            f"target {name!r}: expected classes, found fractions. Choose the probe ridge."
        )
    classes = sorted(column.drop_null().unique().to_pylist())
    if 2 < len(classes) == np.count_nonzero(known):
        raise DataError(
            f"target {name!r}: expected classes that several items share, found another value "
            f"for each of {len(classes)} items. Choose the probe ridge if they are numbers."
        )
    number = {label: place for place, label in enumerate(classes)}
    values = np.array([number.get(value, 0) for value in column.to_pylist()], dtype=np.int64)
    return [Target(name, values, known, tuple(map(str, classes)))]


def _task(labels: Labels, name: str) -> tuple[Task, str]:
    if has_several(labels, name):
        if _has_fractions(pc.list_flatten(labels.table[name])):
            return "regression", "numbers with fractions"
        return "classification", "several labels of one item"
    column = plain(labels.table[name])
    different, rows = len(column.drop_null().unique()), len(column) - column.null_count
    if is_number(column.type):
        _refuse_infinite(labels, name)
        return _of_numbers(_whole(column), different, rows)
    if is_text(column.type):
        _refuse_mixture(labels, name)
    return "classification", f"{different} different words"


def _of_numbers(whole: bool, different: int, rows: int) -> tuple[Task, str]:
    if not whole:
        return "regression", "numbers with fractions"
    found = f"{different} different whole numbers in {rows} rows"
    if different <= 2 or (different <= MOST_CLASSES and 2 * different <= rows):
        return "classification", f"{found}: classes, as they are few and each stands in several"
    return "regression", f"{found}: quantities, as they are many, or each in few rows"


def _refuse_infinite(labels: Labels, name: str) -> None:
    column = labels.table[name]
    if is_number(column.type) and (wrong := parse(column).wrong).any():
        places = np.flatnonzero(wrong)
        raise DataError(
            f"{labels.where(places)}, column {name}: expected a finite number or nothing, found "
            f"{column[int(places[0])].as_py()!r}"
        )


def _refuse_mixture(labels: Labels, name: str) -> None:
    """Raises DataError where most values are numbers, and names those that are not."""
    parsed = parse(labels.table[name])
    if np.count_nonzero(parsed.known) > np.count_nonzero(parsed.wrong) > 0:
        raise _not_numbers(labels, name, parsed.wrong)


def _quantity(labels: Labels, name: str, known: np.ndarray) -> Target:
    column = plain(labels.table[name])
    parsed = parse(column)
    if not parsed.known.any():
        raise DataError(
            f"target {name!r}: expected numbers for a regression, found "
            f"{column.drop_null()[0].as_py()!r}. Choose the probe logistic or knn."
        )
    if parsed.wrong.any():
        raise _not_numbers(labels, name, parsed.wrong)
    return Target(name, parsed.values, known & parsed.known)


def _not_numbers(labels: Labels, name: str, wrong: np.ndarray) -> DataError:
    places = np.flatnonzero(wrong)
    values = dict.fromkeys(repr(labels.table[name][int(place)].as_py()) for place in places[:3])
    return DataError(
        f"{labels.where(places)}, column {name}: expected numbers, as in "
        f"{np.count_nonzero(~wrong)} other rows, found {', '.join(values)}. Write numbers or leave "
        "the fields empty; or choose the probe logistic or knn, to take all values as classes."
    )


def _labels_apart(labels: Labels, name: str, task: Task, known: np.ndarray) -> list[Target]:
    """One target of two classes for each label that an item has."""
    column = labels.table[name]
    if task == "regression":
        counts = pc.fill_null(pc.list_value_length(column), 0).to_numpy()
        several = np.flatnonzero(counts > 1)
        raise DataError(
            f"{labels.where(several)}, column {name}: expected one number for each item, found "
            f"{counted(len(several), 'item')} with several, first {column[int(several[0])].as_py()}"
        )
    sets = [set(each or ()) for each in column.to_pylist()]
    return [
        Target(
            f"{name}: {label}",
            np.array([label in each for each in sets], np.int64),
            known,
            (ABSENT, PRESENT),
            str(label),
        )
        for label in sorted(set().union(*sets))
    ]


def _has_fractions(column: pa.ChunkedArray) -> bool:
    return bool(pa.types.is_floating(column.type)) and not _whole(column)


def _whole(column: pa.ChunkedArray) -> bool:
    values = column.drop_null().to_numpy()
    return bool(np.all(values == np.round(values)))
