"""Predictions of the pretrained for every tested unit: a table beside the result, for the report.

`evaluation/NAME.items.parquet`: a row for each unit and target, with `item`, `group`, `target`,
`truth`, `predicted`, `scores` (of each class) and the columns of the labels and the index by which
scores can be cut (site, speaker, scene …). Of private data items and groups are pseudonyms, and of
other columns there are only the reader's public ones.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from unlabeled.atomic import new_file
from unlabeled.contract import Predicted
from unlabeled.data.items import OF_PLACE, REQUIRED
from unlabeled.data.labels import KEYS
from unlabeled.evaluation.labelling import GivenLabels
from unlabeled.inference.reading import Source
from unlabeled.privacy import Pseudonyms

OWN = ("item", "group", "target", "truth", "predicted", "scores")
MOST_VALUES = 50
"""Most different values of a column by which scores are broken down."""
LONGEST = 80
"""Most letters of such a value."""


def write_predictions(
    file: Path,
    predicted: tuple[Predicted, ...],
    units: np.ndarray,
    given: GivenLabels,
    source: Source,
    hidden: Pseudonyms | None,
) -> None:
    """Write the table; remove an old one if nothing was predicted.

    units: (T,) positions among the labels, as `predicted` has them.
    """
    if not predicted:
        file.unlink(missing_ok=True)
        return
    shared = _columns(units, given, source, hidden)
    parts = [_of_target(each, shared) for each in predicted]
    classes = {each.target: list(each.classes) for each in predicted}
    table = pa.concat_tables(parts).replace_schema_metadata({"classes": json.dumps(classes)})
    with new_file(file) as partial:
        pq.write_table(table, partial)


def _of_target(each: Predicted, shared: Mapping[str, list[Any]]) -> pa.Table:
    known = np.flatnonzero(each.known)
    names = np.array(each.classes) if each.classes else None
    count, own = len(each.truth), list[list[float]]()
    if names is None:
        truth, predicted = _numbers(each.truth), _numbers(each.predicted)
        own = [[] for _ in range(count)]
    else:
        truth = names[each.truth].tolist()
        predicted = names[each.predicted.argmax(1)].tolist()
        own = each.predicted.astype(np.float32).tolist()
    columns = {**shared, "target": [each.target] * count, "truth": truth, "predicted": predicted}
    table = pa.table(
        {name: pa.array(values, pa.string()) for name, values in columns.items()}
        | {"scores": pa.array(own, pa.list_(pa.float32()))}
    )
    return table.take(pa.array(known))


def _numbers(values: np.ndarray) -> list[str]:
    return [f"{value:.7g}" for value in values]


def _columns(
    units: np.ndarray, given: GivenLabels, source: Source, hidden: Pseudonyms | None
) -> dict[str, list[Any]]:
    """Columns of the units by name: item, group, and columns by which scores can be broken down."""
    labels, index = given.table.take(units), source.items.table.take(given.rows[units])
    ids, groups = index["id"].to_pylist(), given.groups[units].tolist()
    if hidden:
        ids, groups = hidden.of("id", ids), hidden.of("group", groups)
    elif given.unit != "items" and "item" in labels.column_names:
        ids = labels["item"].to_pylist()
    found = {"item": ids, "group": groups}
    for name, values in _cuts(labels, index, given, hidden):
        fit = 1 < len(set(values)) <= MOST_VALUES and max(map(len, values)) <= LONGEST
        if name not in (*found, *OWN) and fit:
            found[name] = values
    return found


def _cuts(
    labels: pa.Table, index: pa.Table, given: GivenLabels, hidden: Pseudonyms | None
) -> Iterator[tuple[str, list[Any]]]:
    """Columns as text; none of a private table of labels, as any of them may name a person."""
    for name in labels.column_names if not hidden else ():
        if name not in (*KEYS, *given.targets):
            yield name, _texts(labels[name])
    for name in index.column_names:
        if name not in (*REQUIRED, *OF_PLACE) and (not hidden or name in hidden.public):
            yield name, _texts(index[name])


def _texts(column: pa.ChunkedArray) -> list[str]:
    return ["" if value is None else str(value) for value in column.to_pylist()]
