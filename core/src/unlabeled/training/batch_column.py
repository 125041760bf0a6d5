"""The column by which batches are formed: from a table, the index, or the recipe's labels."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from unlabeled.data.items import Items
from unlabeled.data.labels import Labels, read_labels
from unlabeled.data.training_labels import join_to_items, rows_by_item
from unlabeled.errors import DataError, UsageError
from unlabeled.recipe import Recipe


@dataclass(frozen=True, slots=True)
class BatchColumn:
    """A column of the items, as numbers.

    codes: (items,) int, positions in `values`; values: sorted, with "" for items without one.
    """

    name: str
    codes: np.ndarray
    values: tuple[str, ...]

    @property
    def without(self) -> int:
        """The number of items without a value."""
        return int((self.codes == self.values.index("")).sum()) if "" in self.values else 0

    def digest(self) -> str:
        """A digest of the division of the items, which reveals no value."""
        return hashlib.sha256(self.codes.astype("<i8").tobytes()).hexdigest()


def batch_column(recipe: Recipe, items: Items, data: Path) -> BatchColumn | None:
    """The column of `training.batches`; None if the recipe has none.

    It is taken from `training.batches.table` if that is given, else from the index, else from the
    recipe's labels. Raises DataError, UsageError.
    """
    settings = recipe.training.batches
    if settings is None:
        return None
    name = settings.by
    table = settings.table
    if table is None and name not in items.table.column_names and recipe.labels:
        table = recipe.labels.table
    if table is None:
        return _coded(name, _of_index(items, name))
    labels = read_labels(Path(table))
    return _coded(name, _of_table(labels, name, items, data))


def _of_index(items: Items, name: str) -> list[str]:
    if name not in items.table.column_names:
        raise UsageError(
            f"training.batches.by: the index has no column {name!r}. It has: "
            f"{', '.join(items.table.column_names)}. A column of another file is named together "
            "with training.batches.table."
        )
    return _texts(items.table[name])


def _of_table(labels: Labels, name: str, items: Items, data: Path) -> list[str]:
    where = f"training.batches: {labels.name}"
    if name not in labels.table.column_names:
        raise UsageError(
            f"{where} has no column {name!r}. It has: {', '.join(labels.table.column_names)}."
        )
    if pa.types.is_list(labels.table[name].type):
        raise DataError(f"{where}: expected one value of an item in {name}, found several")
    rows = join_to_items(rows_by_item(labels), items, data, "training.batches.table")
    texts = _texts(labels.table[name])
    for found in rows.values():
        if len({texts[row] for row in found}) > 1:
            item = labels.table["item"][found[0]].as_py()
            raise DataError(
                f"{labels.where(found)}: two labels of one item, {item!r}, in column {name}"
            )
    return [texts[rows[place][0]] if place in rows else "" for place in range(len(items))]


def _texts(column: pa.ChunkedArray) -> list[str]:
    return ["" if value is None else str(value) for value in column.to_pylist()]


def _coded(name: str, texts: list[str]) -> BatchColumn:
    values = tuple(sorted(set(texts)))
    number: Mapping[str, int] = {value: code for code, value in enumerate(values)}
    return BatchColumn(name, np.array([number[text] for text in texts], dtype=np.int64), values)
