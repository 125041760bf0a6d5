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
from unlabeled.evaluation.matching import Labelled, match
from unlabeled.inference.reading import Source
from unlabeled.report.columns import Column, column, distinct
from unlabeled.report.run_data import RunData

MOST_COLUMNS = 12
LONGEST = 80
"""Letters of a value of metadata; longer ones are for programs."""


def labels_of_items(
    reader: Reader, items: Items, data: Path, labels: Path, aliases: Sequence[str]
) -> Labelled | None:
    """The labels of a table; None where they are of parts of items, which are no points of a map.

    aliases: other names of the items. Raises DataError.
    """
    found = match(read_labels(labels), Source(items, reader), data, aliases)
    return found if found.parts is None else None


def columns_of(
    run: RunData,
    reader: Reader,
    items: Items,
    rows: Sequence[int],
    labelled: Labelled | None,
    *,
    hidden: bool,
) -> tuple[list[Column], np.ndarray]:
    """Columns of the items at `rows` (n,), labels first; and their groups (n,).

    hidden: of metadata only what names nobody is shown, and groups are numbered.
    """
    given = _given(labelled, rows) if labelled else {}
    own = items.table["group"].take(rows).to_pylist()
    groups = [one or other for one, other in zip(given.pop("group", own), own, strict=True)]
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

    return distinct(every())[:MOST_COLUMNS], np.array(named)


def _given(labelled: Labelled, rows: Sequence[int]) -> dict[str, list[Any]]:
    """Columns of the table by name, n values each, None where an item has none."""
    place_of = {row: place for place, row in enumerate(rows)}
    wanted = [(n, place_of[row]) for n, row in enumerate(labelled.rows.tolist()) if row in place_of]
    columns: dict[str, list[Any]] = {}
    for name in labelled.table.column_names:
        if name in KEYS and name != "group":
            continue
        values = labelled.table[name].to_pylist()
        columns[name] = [None] * len(rows)
        for number, place in wanted:
            columns[name][place] = _one(values[number])
    return columns


def _one(value: Any) -> Any:
    """Several labels of an item as one text."""
    return " + ".join(map(str, value)) if isinstance(value, list) else value
