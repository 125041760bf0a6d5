"""The rows of tables: CSV (also gzipped), JSON lines and Parquet; a row is an item."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from unlabeled.contract import Preview, Previews
from unlabeled.data.items import Item, Items
from unlabeled.data.listing import FileRules, Listed, Listing, list_files
from unlabeled.data.signature import content_of
from unlabeled.data.tables import SUFFIXES
from unlabeled.errors import DataError, UnreadableItem
from unlabeled_tabular.readers.columns import Columns, Kind, read_columns
from unlabeled_tabular.readers.pictures import picture_of
from unlabeled_tabular.row import Row

GROUP = "group"
OWN = ("id", "source", "group", "size", "signature", "row")


class Rows(FileRules, Previews):
    """Reads tables below a folder, or one; each row is an item, called FILE#ROW (or by `row_name`).

    A column of numbers holds numbers, one of ISO dates years since 2000, one of few different texts
    categories. `columns` declares what is otherwise; `inspect` shows what was found. Tables of
    other columns than the widest (labels, say) are left out and counted.
    """

    labels: tuple[str, ...] = Field(
        (), description="columns that the encoder must not see, such as labels; they are metadata"
    )
    row_name: str | None = Field(None, description="the column that names a row; unset: FILE#ROW")
    group_column: str | None = Field(
        None, description="the column with the group of a row; unset: the one called group, if any"
    )
    columns: dict[str, Kind] = Field(
        {},
        description="what columns are, where it is not what they look like: number, category, "
        "date, leave out, or the values of an ordered category, lowest first",
    )
    most_categories: int = Field(
        50, gt=1, description="a column of text with more different values is left out"
    )

    def index(self, path: Path) -> Items:
        """Read the tables whole. Raises DataError if there is no row, or two have one name."""
        listing = list_files(path, self, SUFFIXES)
        found = [(file, table) for file in listing.files if (table := self._table(file, listing))]
        widest = max((table for _, table in found), key=lambda table: table.width, default=None)
        parts: list[dict[str, Any]] = []
        notes: list[str] = []
        for file, table in found:
            if widest and table.names == widest.names:
                parts.append(self._rows(file, table))
                notes += table.notes
            else:
                listing.leave_out("of other columns than the widest table", file.name)
        columns = {name: _joined([part[name] for part in parts]) for name in (*OWN, *self.labels)}
        if len(set(columns["id"])) < len(columns["id"]):
            raise DataError(f"{path}: expected column {self.row_name} to name every row once")
        return listing.items(columns, notes, of="table")

    def read(self, item: Item, rng: np.random.Generator | None = None) -> Row:  # noqa: ARG002
        """The row that the item names. Raises UnreadableItem if the table has changed."""
        try:
            table = self._load(Path(item.source))
        except (DataError, OSError) as error:
            raise UnreadableItem(item.source, "a table", str(error)) from error
        place = int(np.searchsorted(table.rows, item.metadata["row"]))
        if place == len(table.rows) or table.rows[place] != item.metadata["row"]:
            raise UnreadableItem(item.source, f"a row {item.metadata['row']}", "fewer rows")
        return Row(
            table.numbers[place],
            table.texts(place),
            table.number_names,
            table.text_names,
            table.values,
            table.marginals,
        )

    def describe(self, items: Items) -> Mapping[str, Any]:
        """`numbers`, the names of those columns, and `categories`, by column the values seen."""
        tables = [self._load(Path(each)) for each in items.table["source"].unique().to_pylist()]
        first = tables[0]
        return {
            "numbers": list(first.number_names),
            "categories": {
                name: sorted(set().union(*(table.values[place] for table in tables)))
                for place, name in enumerate(first.text_names)
            },
        }

    def previews(self, item: Item, sample: Row) -> list[Preview]:  # noqa: ARG002
        """The row as a small table."""
        return [picture_of(sample)]

    def _table(self, file: Listed, listing: Listing) -> Columns | None:
        """The columns of a table; None for one that is quarantined."""
        try:
            return self._load(file.path)
        except UnreadableItem as error:
            listing.quarantine(error)
        except (DataError, OSError) as error:
            listing.quarantine(UnreadableItem(str(file.path), "a table", str(error)))
        return None

    def _load(self, file: Path) -> Columns:
        named = (each for each in (self.row_name, self.group_column) if each)
        return read_columns(
            file,
            file.stat().st_mtime_ns,
            (*self.labels, *named),
            self.group_column or GROUP,
            tuple(self.columns.items()),
            self.most_categories,
        )

    def _rows(self, file: Listed, found: Columns) -> dict[str, Any]:
        table = found.table
        names = (
            _text(table[self.row_name])
            if self.row_name
            else [f"{file.name}#{n}" for n in found.rows]
        )
        group = self.group_column or (GROUP if GROUP in table.column_names else None)
        groups = _text(table[group]) if group else [file.group] * len(found.rows)
        cells = zip(*(table[name].to_pylist() for name in table.column_names), strict=True)
        return {
            "id": names,
            "source": [str(file.path)] * len(names),
            "group": groups,
            "size": [1] * len(names),
            "signature": [content_of(*map(str, row)) for row in cells],
            "row": found.rows.tolist(),
            **{name: table[name].to_pylist() for name in self.labels},
        }


def _text(column: pa.ChunkedArray) -> list[str]:
    """(R,) text, "" where a cell is empty."""
    return [value or "" for value in pc.cast(column, pa.string()).to_pylist()]


def _joined(parts: Sequence[list[Any]]) -> list[Any]:
    return [value for part in parts for value in part]
