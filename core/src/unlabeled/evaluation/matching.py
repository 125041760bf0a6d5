"""Match the rows of a labels table to items, or to parts of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from unlabeled.data.columns import parse
from unlabeled.data.items import Items
from unlabeled.data.labels import BOUNDS, Labels
from unlabeled.data.repeats import gather_labels
from unlabeled.data.sources import files_of
from unlabeled.errors import DataError
from unlabeled.evaluation.segments import NodeParts, Parts, Stretches
from unlabeled.inference.node_names import NOWHERE, NodeNames
from unlabeled.inference.reading import Source
from unlabeled.wording import counted

WHOLE = -1
"""Marks a row about a whole item."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """The N labels that have an item, in the order of the index, one for each item or part.

    rows: (N,) positions of their items in the index, ascending; unmatched_rows: rows of the table
    without an item; unmatched_items: items without a row; parts: the part of its item that a label
    describes, None for whole items.
    """

    labels: Labels
    rows: np.ndarray
    unmatched_rows: int
    unmatched_items: int
    parts: Parts | None = None

    @property
    def table(self) -> pa.Table:
        """The columns of the labels."""
        return self.labels.table

    @property
    def unit(self) -> str:
        """The unit of a row: items, nodes or stretches."""
        return self.parts.unit if self.parts else "items"

    def take(self, rows: np.ndarray) -> Labelled:
        """The rows at these positions, (n,) int."""
        parts = self.parts.take(rows) if self.parts else None
        return replace(self, labels=self.labels.take(rows), rows=self.rows[rows], parts=parts)


def match(labels: Labels, source: Source, data: Path, pseudonyms: Sequence[str] = ()) -> Labelled:
    """Find each row's item: by id, by its file's path relative to `data`, or by its name.

    pseudonyms: other names of the items, in the order of the index. A node is found by its name,
    as `item#name`, or `file#name` where a file is cut into several items.
    Rows about the same thing are merged: a target in which they differ then has several values.
    Raises DataError if no row matches, two items have one name, or two rows give a thing two
    groups, splits or folds.
    """
    items = source.items
    places = _places(items, data, pseudonyms)
    names = [str(name) for name in labels.table["item"].to_pylist()]
    nodes = NodeNames(source)
    found = np.array([_find(name, places, nodes) for name in names]).reshape(-1, 2)
    _require_one_each(names, found, items)
    if not len(matched := np.flatnonzero(found[:, 0] >= 0)):
        known = items.table["id"].slice(0, 3).to_pylist()
        raise DataError(
            f"none of {len(names)} labels belongs to one of {len(items)} items. "
            f"Labels are for {_three(names)}; items are {_three(known)}.{nodes.example()}"
        )
    bounds = _bounds(labels)
    keys = found if bounds is None else np.hstack([found, bounds])
    order = matched[np.lexsort(keys[matched].T[::-1])]
    kept, order = _one_each(labels.take(order), keys[order], order)
    rows, unknown = found[order, 0], np.flatnonzero(found[:, 0] < 0)
    without = len(items) - len(np.unique(rows))
    notes = (*kept.notes, *_unmatched(labels, unknown, without, len(items)))
    parts = _parts(found[order, 1], None if bounds is None else bounds[order])
    return Labelled(replace(kept, notes=notes), rows, len(unknown), without, parts)


def _one_each(labels: Labels, keys: np.ndarray, order: np.ndarray) -> tuple[Labels, np.ndarray]:
    """One row for each key. labels, order: (N,), keys: (N, K), equal ones side by side."""
    thing = np.cumsum(np.any(np.diff(keys, axis=0, prepend=keys[:1]) != 0, axis=1))
    found, first = gather_labels(labels, thing)
    return found, order[first]


def _unmatched(labels: Labels, unknown: np.ndarray, without: int, count: int) -> list[str]:
    """Notes on rows about unknown items, and on items without a row."""
    notes = []
    if len(unknown):
        notes.append(
            f"{len(unknown)} of {len(labels)} labels are about items that are not in the data, "
            f"and are left out ({labels.where(unknown)})."
        )
    if without:
        notes.append(f"{without:,} of {counted(count, 'item')} without a label take no part.")
    return notes


def _find(name: str, places: Mapping[str, list[int]], nodes: NodeNames) -> tuple[int, int]:
    """(position of the item, node or WHOLE); (-1, WHOLE) if there is no such item or node."""
    name = name.removeprefix("./")
    if len(rows := places.get(name, [])) == 1:
        return rows[0], WHOLE
    # Both names may hold a "#": the longest name of an item counts.
    for end in [end for end in range(len(name) - 1, 0, -1) if name[end] == "#"]:
        item, node = name[:end], name[end + 1 :]
        if rows := places.get(item, []):
            owner = rows[0] if len(rows) == 1 else nodes.owner(item, rows, node)
            place = nodes.place(owner, node) if owner != NOWHERE else NOWHERE
            return (owner, place) if place != NOWHERE else (-1, WHOLE)
    return -1, WHOLE


def _require_one_each(names: Sequence[str], found: np.ndarray, items: Items) -> None:
    """Raises DataError where a label names several items. A file of several names none."""
    if "name" not in items.table.column_names:
        return
    counts = pc.value_counts(items.table["name"].drop_null())
    repeated = set(counts.filter(pc.greater(counts.field("counts"), 1)).field("values").to_pylist())
    for name, (place, _) in zip(names, found, strict=True):
        if place < 0 and name in repeated:
            alike = pc.equal(items.table["name"], name)
            ids = items.table["id"].filter(alike).to_pylist()
            raise DataError(
                f"the labels are for {name!r}, a name that {len(ids)} items have. "
                f"Label them by their ids: {_three(ids)}"
            )


def _bounds(labels: Labels) -> np.ndarray | None:
    """(rows, 2) of `start` and `end`, if the table has them. Raises DataError."""
    given = [name for name in BOUNDS if name in labels.table.column_names]
    if not given:
        return None
    if len(given) == 1:
        raise DataError(f"the labels have a column `{given[0]}`: expected both start and end")
    columns = [parse(labels.table[name]) for name in BOUNDS]
    for name, column in zip(BOUNDS, columns, strict=True):
        for row in np.flatnonzero(~column.known)[:1]:
            raise DataError(
                f"{labels.where([row])}, column {name}: expected a number in every row, found "
                f"{labels.table[name][int(row)].as_py()!r}"
            )
    bounds = np.stack([column.values for column in columns], axis=1)
    for row in np.flatnonzero((bounds[:, 0] >= bounds[:, 1]) | (bounds[:, 0] < 0))[:1]:
        raise DataError(
            f"{labels.where([row])}: expected start before end and neither below 0, found "
            f"{bounds[row, 0]:g} and {bounds[row, 1]:g} for "
            f"{labels.table['item'][int(row)].as_py()!r}"
        )
    return bounds


def _parts(nodes: np.ndarray, bounds: np.ndarray | None) -> Parts | None:
    """Raises DataError if whole items, nodes and stretches are mixed."""
    if (nodes == WHOLE).all():
        return None if bounds is None else Stretches(bounds)
    if (nodes == WHOLE).any() or bounds is not None:
        others = "stretches" if bounds is not None else "whole items"
        raise DataError(f"the labels mix nodes (`item#node`) and {others}: make two tables of them")
    return NodeParts(nodes)


def _places(items: Items, data: Path, pseudonyms: Sequence[str]) -> dict[str, list[int]]:
    """Positions by every name of an item. Ids go before paths, these before names that the data
    give; several items may share a path or a name."""
    root = data if data.is_dir() else data.parent
    columns = [
        items.table["id"].to_pylist(),
        [_relative(source, root) for source in items.table["source"].to_pylist()],
        items.table["name"].to_pylist() if "name" in items.table.column_names else [],
        pseudonyms,
    ]
    found: dict[str, list[int]] = {}
    for column in columns:
        of_column: dict[str, list[int]] = {}
        for place, name in enumerate(column):
            if name and name not in found:
                of_column.setdefault(name, []).append(place)
        found |= of_column
    return found


def _relative(source: str, root: Path) -> str:
    path = files_of(source)[0]
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else source


def _three(names: Sequence[str]) -> str:
    shown = ", ".join(map(repr, names[:3]))
    return f"{shown} …" if len(names) > 3 else shown
