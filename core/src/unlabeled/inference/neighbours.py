"""The rows of a table of embeddings nearest to one of its items: "more like this"."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from unlabeled.errors import DataError, UsageError
from unlabeled.probes.standardise import standardise


def similar(table: Path | str, item: str, *, count: int = 10) -> pa.Table:
    """The `count` rows nearest to `item`, nearest first, without its own.

    table: a Parquet file that `embed` wrote; item: an id in it, a name that one item alone has, or
    a node (`item#name`). Where items have many rows (windows of tokens, nodes) the query is their
    mean, and what is found are single rows with their position or node. Returns the columns of the
    table but the vectors, and `similarity`: the cosine of vectors whose columns were standardised
    over the table, -1 … 1.

    Raises DataError if it is no table of embeddings, UsageError if it has no such item.
    """
    path = Path(table)
    rows = _read(path)
    own = _asked(rows, item)
    if not own.any():
        raise UsageError(f"{path}: has no item {item!r}. {_known(rows)}")
    known = rows["vector"].is_valid().to_numpy()
    if not (own & known).any():
        raise UsageError(f"{path}: {item!r} has no vector: it lacks what this output is made of.")
    # Before anything is flattened, which drops nulls and would shift all rows after one.
    rows, own = rows.filter(pa.array(known)), own[known]
    flat = rows["vector"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
    vectors = flat.reshape(len(rows), -1)
    scaled, _ = standardise(vectors, vectors[:0])
    query = scaled[own].mean(0)
    lengths = np.linalg.norm(scaled, axis=1) * np.linalg.norm(query)
    cosine = (scaled @ query) / np.maximum(lengths, np.finfo(lengths.dtype).tiny)
    order = np.argsort(-cosine, kind="stable")
    nearest = order[~own[order]][:count]
    found = rows.take(pa.array(nearest)).drop_columns(["vector"])
    return found.append_column("similarity", pa.array(cosine[nearest]))


def _asked(rows: pa.Table, item: str) -> np.ndarray:
    """Which rows are of `item`, (rows,) bool."""
    own = _equal(rows, "id", item)
    for end in [end for end in range(len(item) - 1, 0, -1) if item[end] == "#"]:
        if own.any():
            break
        own = _equal(rows, "id", item[:end]) & _equal(rows, "node", item[end + 1 :])
    if not own.any():
        own = _equal(rows, "name", item)
        alike = set(rows["id"].filter(pa.array(own)).to_pylist())
        if len(alike) > 1:
            shown = ", ".join(map(repr, sorted(alike)[:3]))
            raise UsageError(f"{len(alike)} items are called {item!r}. Give the id: {shown} …")
    return own


def _equal(rows: pa.Table, column: str, name: str) -> np.ndarray:
    if column not in rows.column_names:
        return np.zeros(len(rows), bool)
    texts = rows[column].cast(pa.string())
    found: np.ndarray = pc.fill_null(pc.equal(texts, name), False).to_numpy()
    return found


def _known(rows: pa.Table) -> str:
    ids = [str(name) for name in rows["id"].slice(0, 3).to_pylist()]
    known = f"Its items are {', '.join(map(repr, dict.fromkeys(ids)))} …"
    if "node" not in rows.column_names:
        return known
    return f"{known} Its nodes are {rows['id'][0].as_py()}#{rows['node'][0].as_py()} …"


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
