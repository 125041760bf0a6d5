"""Which item, or which part of one, each row of a labels table is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from unlabeled.errors import DataError
from unlabeled.evaluation.labels import BOUNDS, is_number, plain
from unlabeled.evaluation.node_names import NOWHERE, NodeNames
from unlabeled.evaluation.parts import NodeParts, Parts, Stretches
from unlabeled.evaluation.reading import Source
from unlabeled.items import Items

WHOLE = -1
"""In place of a node."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """The N rows of the table that have an item, in the order of the index.

    rows: (N,) positions of their items in the index, ascending; unmatched_rows: rows of the table
    without an item; unmatched_items: items without a row; parts: which part of its item a row is
    about, None for whole items.
    """

    table: pa.Table
    rows: np.ndarray
    unmatched_rows: int
    unmatched_items: int
    parts: Parts | None = None

    @property
    def unit(self) -> str:
        """What a row is about: items, nodes or stretches."""
        return self.parts.unit if self.parts else "items"

    def take(self, rows: np.ndarray) -> Labelled:
        """The rows at these positions, (n,) int."""
        parts = self.parts.take(rows) if self.parts else None
        return replace(self, table=self.table.take(rows), rows=self.rows[rows], parts=parts)


def match(table: pa.Table, source: Source, data: Path, pseudonyms: Sequence[str] = ()) -> Labelled:
    """Find each row's item: by id, by its file's path relative to `data`, or by its name.

    pseudonyms: other names of the items, in the order of the index. A node is found by its name,
    as `item#name`, or `file#name` where a file is cut into several items.
    Raises DataError if no row fits, two rows are about the same, or two items have one name.
    """
    items = source.items
    places = _places(items, data, pseudonyms)
    names = [str(name) for name in table["item"].to_pylist()]
    nodes = NodeNames(source)
    found = [_find(name, places, nodes) for name in names]
    _require_one_each(names, found, items)
    matched = [row for row, (place, _) in enumerate(found) if place >= 0]
    if not matched:
        known = items.table["id"].slice(0, 3).to_pylist()
        raise DataError(
            f"none of {len(names)} labels belongs to one of {len(items)} items. "
            f"Labels are for {_three(names)}; items are {_three(known)}.{nodes.example()}"
        )
    order = _sorted(matched, found, names, _bounds(table))
    rows = np.array([found[row][0] for row in order])
    parts = _parts(np.array([found[row][1] for row in order]), _bounds(table), np.array(order))
    chosen = table.take(pa.array(order, pa.int64()))
    return Labelled(chosen, rows, len(names) - len(order), len(items) - len(np.unique(rows)), parts)


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


def _require_one_each(names: Sequence[str], found: Sequence[tuple[int, int]], items: Items) -> None:
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


def _bounds(table: pa.Table) -> np.ndarray | None:
    """(rows, 2) of `start` and `end`, if the table has them. Raises DataError."""
    given = [name for name in BOUNDS if name in table.column_names]
    if not given:
        return None
    if len(given) == 1:
        raise DataError(f"the labels have a column `{given[0]}`: expected both start and end")
    columns = [plain(table[name]) for name in BOUNDS]
    if any(not is_number(column.type) or column.null_count for column in columns):
        raise DataError("start, end: expected a number in every row")
    bounds = np.stack([column.to_numpy() for column in columns], axis=1).astype(np.float64)
    for row in np.flatnonzero(bounds[:, 0] >= bounds[:, 1])[:1]:
        raise DataError(
            f"start, end: expected start before end, found {bounds[row, 0]:g} and "
            f"{bounds[row, 1]:g} for {table['item'][row].as_py()!r}"
        )
    return bounds


def _sorted(
    matched: list[int],
    found: Sequence[tuple[int, int]],
    names: Sequence[str],
    bounds: np.ndarray | None,
) -> list[int]:
    """`matched` in the order of items and their parts. Raises DataError for two of the same."""
    key = {row: (*found[row], *(bounds[row] if bounds is not None else ())) for row in matched}
    order = sorted(matched, key=key.__getitem__)
    for one, other in pairwise(order):
        if key[one] == key[other]:
            about = "item" if found[one][1] == WHOLE and bounds is None else "part of an item"
            raise DataError(
                f"the labels have two rows for one {about}, the second is {names[other]!r}"
            )
    return order


def _parts(nodes: np.ndarray, bounds: np.ndarray | None, order: np.ndarray) -> Parts | None:
    """Raises DataError if whole items, nodes and stretches are mixed."""
    if (nodes == WHOLE).all():
        return None if bounds is None else Stretches(bounds[order])
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
    path = Path(source)
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else source


def _three(names: Sequence[str]) -> str:
    shown = ", ".join(map(repr, names[:3]))
    return f"{shown} …" if len(names) > 3 else shown
