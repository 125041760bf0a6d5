"""Columns of tables as features of nodes and edges."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from unlabeled.data.columns import parse
from unlabeled.data.dates import years_since_2000
from unlabeled.data.tables import Table, name_rows
from unlabeled.errors import UnreadableItem
from unlabeled.settings import Settings

SHOWN = 3


class ColumnPolicy(Settings):
    """Columns of numbers stay unchanged, dates become years since the start of 2000.

    A column of text is a feature where `categories` lists its values, so that a value means the
    same in every table; else it is left out with a note.
    """

    use: tuple[str, ...] | None = Field(
        None, description="columns that are features; all that can be if none"
    )
    categories: dict[str, tuple[str, ...]] = Field(
        {}, description="values of columns of text: one feature for each, one for all others"
    )

    def features(self, table: Table, keys: Sequence[str]) -> tuple[np.ndarray, list[str]]:
        """Features (N, F) float32 and notes on what was left out or changed.

        keys: columns that are not features. Raises UnreadableItem if a field is missing or is not a
        number among numbers, or a chosen column is text without categories.
        """
        parts, notes = [np.zeros((len(table), 0), np.float32)], list[str]()
        for name in table.names:
            if name in keys or (self.use is not None and name not in self.use):
                continue
            found, note = self._column(table, name)
            notes += [f"{table.path.name}, column {name}: {note}"] if note else []
            parts += [found] if found is not None else []
        return np.concatenate(parts, axis=1), notes

    def _column(self, table: Table, name: str) -> tuple[np.ndarray | None, str]:
        """(N, k) features of one column, or None, and notes."""
        column = table.columns[name]
        if pa.types.is_boolean(column.type):
            column = pc.cast(column, pa.int8())
        if name in self.categories:
            return _one_hot(column, self.categories[name]), ""
        years = years_since_2000(column)
        if years is not None:
            _require_all(table, name, np.isnan(years), "a date")
            return years[:, None].astype(np.float32), "dates count in years since 2000."
        parsed = parse(column, comma=table.delimiter == ";")
        if parsed.known.any():
            _require_all(table, name, ~parsed.known, "a finite number")
            with np.errstate(over="ignore"):  # infinite values are refused where they are read
                return parsed.values[:, None].astype(np.float32), ""
        if self.use is not None:
            expected = f"numbers or dates in column {name}, or reader.columns.categories for it"
            raise UnreadableItem(str(table.path), expected, _values(column))
        return None, (
            f"left out, as it holds neither numbers nor dates but {_values(column)}. "
            f"To use it, list its values in reader.columns.categories."
        )


def _one_hot(column: pa.ChunkedArray, values: Sequence[str]) -> np.ndarray:
    """(N, values + 1) float32; the last column is of all other values, and of none."""
    places = pc.index_in(pc.cast(column, pa.string()), value_set=pa.array(values, pa.string()))
    columns = pc.fill_null(places, len(values)).to_numpy()
    found: np.ndarray = np.eye(len(values) + 1, dtype=np.float32)[columns]
    return found


def _require_all(table: Table, name: str, wrong: np.ndarray, expected: str) -> None:
    places = np.flatnonzero(wrong)
    if len(places):
        found = table.columns[name][int(places[0])].as_py()
        raise UnreadableItem(
            str(table.path),
            f"{expected} in every row of column {name} (reader.columns.use leaves columns out)",
            f"{found!r} in {name_rows(table.rows[places].tolist())}",
        )


def _values(column: pa.ChunkedArray) -> str:
    """ "2 values ('card', 'wire')", or the type of what is no text."""
    try:
        values = pc.cast(column, pa.string()).drop_null().unique()
    except pa.ArrowNotImplementedError:
        return f"values of type {column.type}"
    shown = ", ".join(repr(value) for value in sorted(values.slice(0, SHOWN).to_pylist()))
    count = f"{len(values)} value{'' if len(values) == 1 else 's'}"
    return f"{count} ({shown}{', …' if len(values) > SHOWN else ''})"
