"""The labels table: targets of items, with their groups and splits.

A table (see `unlabeled.data.tables`) with a column `item` (the item's id, or its file relative to
the data folder), one or more target columns, and optionally `group`, and `fold` or else `split`
("train", "test"). A row may describe a part of an item: a node (`item#node`, counted from 0), or a
stretch (columns `start` and `end`, in the unit of the encoder's positions: s, mm). Several rows
with different values give a thing several labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from unlabeled.data.columns import notes_on_missing, numbers, typed
from unlabeled.data.items import REQUIRED, Items
from unlabeled.data.tables import name_rows, read_table
from unlabeled.errors import DataError, UsageError

ONE = ("group", "split", "fold")
"""The columns of which an item has one value."""
TEXT = ("item", *ONE)
BOUNDS = ("start", "end")
KEYS = (*TEXT, *BOUNDS)
"""The columns that are not targets."""


@dataclass(frozen=True)
class Labels:
    """N rows of labels.

    table: numbers as numbers, all else as text; a list where a thing has several values; rows: (N,)
    int64, the row of each in its file; name: of the file; notes: sentences about what was left out
    or changed, which name rows and not items.
    """

    table: pa.Table
    rows: np.ndarray
    name: str
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def take(self, places: np.ndarray) -> Labels:
        """The rows at these positions, (n,) int."""
        table = self.table.take(pa.array(places, pa.int64()))
        return replace(self, table=table, rows=self.rows[places])

    def where(self, places: Sequence[int] | np.ndarray) -> str:
        """Rows at positions (n,) as the user finds them: "labels.csv, rows 17 and 20"."""
        # Rows and no items: notes are written into results, where private data may not be named.
        return f"{self.name}, {name_rows(self.rows[places].tolist())}"


def read_labels(path: Path) -> Labels:
    """Read a labels table. Raises DataError, with the row of a time that is no number."""
    table = read_table(path)
    if "item" not in table.names:
        raise DataError(
            f"{path}: expected a column `item` (ids, or paths relative to the data), found "
            f"{', '.join(table.names)}."
        )
    if not len(table):
        raise DataError(f"{path}: expected rows below the header, found none")
    if empty := np.flatnonzero(table.columns["item"].is_null().to_numpy()).tolist():
        raise DataError(
            f"{path}, {name_rows(table.rows[empty].tolist())}: expected an item, found nothing"
        )
    for name in set(BOUNDS) & set(table.names):
        numbers(table, name)
    found = typed(table, TEXT)
    others = [name for name in found.names if name not in TEXT]
    notes = (*table.notes(), *notes_on_missing(table, found, others))
    return Labels(found.columns, found.rows, path.name, notes)


def labels_in(items: Items) -> Labels:
    """The metadata columns of an index as a labels table."""
    extra = [name for name in items.table.column_names if name not in REQUIRED]
    table = items.table.select(["id", *extra]).rename_columns(["item", *extra])
    return Labels(table, np.arange(1, len(items) + 1), "the index")


def target_names(labels: Labels, chosen: Sequence[str]) -> list[str]:
    """The chosen target columns, or the only one there is. Raises UsageError."""
    there = [name for name in labels.table.column_names if name not in KEYS]
    unknown = [name for name in chosen if name not in there]
    if unknown or not there:
        wanted = f"target {unknown[0]!r}" if unknown else "a target"
        raise UsageError(f"the labels have no column for {wanted}. They have: {', '.join(there)}.")
    if not chosen and len(there) > 1:
        raise UsageError(f"the labels have several targets, choose: {', '.join(there)}.")
    return list(chosen) or there
