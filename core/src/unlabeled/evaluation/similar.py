"""The rows of a table of embeddings nearest to one of its items: "more like this"."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from unlabeled.errors import DataError, UsageError
from unlabeled.evaluation.standardise import standardise


def similar(table: Path | str, item: str, *, count: int = 10) -> pa.Table:
    """The `count` rows nearest to `item`, nearest first, without its own.

    table: a Parquet file that `embed` wrote; item: an id in it. Where items have many rows
    (windows of tokens, nodes) the query is their mean, and what is found are single rows with
    their position. Returns the columns of the table but the vectors, and `similarity`: the cosine
    of vectors whose columns were standardised over the table, -1 … 1.

    Raises DataError if it is no table of embeddings, UsageError if it has no such item.
    """
    path = Path(table)
    rows = _read(path)
    ids = np.array(rows["id"].to_pylist())
    own = ids == item
    if not own.any():
        known = ", ".join(map(repr, dict.fromkeys(ids.tolist()[:3])))
        raise UsageError(f"{path}: has no item {item!r}. Its items are {known} …")
    flat = rows["vector"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
    vectors = flat.reshape(len(ids), -1)
    scaled, _ = standardise(vectors, vectors[:0])
    query = scaled[own].mean(0)
    lengths = np.linalg.norm(scaled, axis=1) * np.linalg.norm(query)
    cosine = (scaled @ query) / np.maximum(lengths, np.finfo(lengths.dtype).tiny)
    order = np.argsort(-cosine, kind="stable")
    nearest = order[~own[order]][:count]
    found = rows.take(pa.array(nearest)).drop_columns(["vector"])
    return found.append_column("similarity", pa.array(cosine[nearest]))


def _read(path: Path) -> pa.Table:
    expected = "a Parquet file that `unlabeled embed` wrote"
    try:
        rows = pq.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise DataError(f"{path}: expected {expected}, found: {error}") from error
    if not {"id", "vector"} <= set(rows.column_names):
        found = ", ".join(rows.column_names)
        raise DataError(f"{path}: expected {expected}, found the columns {found}")
    return rows
