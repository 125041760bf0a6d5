"""What is known of items beside their content: group, labels, metadata; of people only some."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from unlabeled.contract import Reader
from unlabeled.data.items import OF_PLACE, Items, group_name
from unlabeled.data.labels import KEYS, read_labels
from unlabeled.evaluation.matching import match
from unlabeled.inference.reading import Source
from unlabeled.report.columns import Column, column, distinct
from unlabeled.report.run_data import RunData

MOST_COLUMNS = 12
LONGEST = 80
"""Letters of a value of metadata; longer ones are for programs."""


def columns_of(
    run: RunData,
    reader: Reader,
    items: Items,
    rows: Sequence[int],
    data: Path,
    labels: Path | None,
    *,
    aliases: Sequence[str] = (),
    hidden: bool,
) -> tuple[list[Column], np.ndarray, list[str]]:
    """Columns of the items at `rows` (n,), labels first; their groups (n,); and notes.

    aliases: other names of all items; hidden: of metadata only what names nobody is shown, and
    groups are numbered. Raises DataError.
    """
    given, notes = _labels(reader, items, rows, data, labels, aliases)
    groups = given.pop("group", None) or items.table["group"].take(rows).to_pylist()
    ids = items.table["id"].take(rows).to_pylist()
    named = [group_name(item, str(group or "")) for item, group in zip(ids, groups, strict=True)]
    targets = {target for found in run.evaluations for target in found.targets}
    public = getattr(type(reader), "public", ())

    def every() -> Iterator[Column | None]:
        for name, values in given.items():
            yield column(name, "label", values, hide=hidden and name not in targets)
        yield column("group", "group", groups, hide=hidden)
        for name in items.table.column_names:
            if name in ("id", "group", *OF_PLACE) or (hidden and name not in ("size", *public)):
                continue
            if not pa.types.is_nested(items.table[name].type):
                values = items.table[name].take(rows).to_pylist()
                if max(len(str(value)) for value in values) <= LONGEST:
                    yield column(name, "metadata", values)

    return distinct(every())[:MOST_COLUMNS], np.array(named), notes


def _labels(
    reader: Reader,
    items: Items,
    rows: Sequence[int],
    data: Path,
    labels: Path | None,
    aliases: Sequence[str],
) -> tuple[dict[str, list[Any]], list[str]]:
    """Columns of the table by name, n values each, None where an item has none."""
    if labels is None:
        return {}, []
    found = match(read_labels(labels), Source(items, reader), data, aliases)
    if found.parts is not None:
        return {}, [f"The labels are of {found.unit}, not of items: they colour no map."]
    place_of = {row: place for place, row in enumerate(rows)}
    wanted = [(n, place_of[row]) for n, row in enumerate(found.rows.tolist()) if row in place_of]
    columns: dict[str, list[Any]] = {}
    for name in found.table.column_names:
        if name in KEYS and name != "group":
            continue
        values = found.table[name].to_pylist()
        columns[name] = [None] * len(rows)
        for number, place in wanted:
            columns[name][place] = _one(values[number])
    return columns, []


def _one(value: Any) -> Any:
    """Several labels of an item as one text."""
    return " + ".join(map(str, value)) if isinstance(value, list) else value
