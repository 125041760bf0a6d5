"""The rows of a table of embeddings that are nearest to one of its items, or to a new file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from unlabeled.data.quarantine import Limits
from unlabeled.errors import RunError, UsageError
from unlabeled.export.encoder import load_encoder, load_reader, read_config
from unlabeled.inference.encoding import choose_output, device, encode
from unlabeled.inference.reading import open_source
from unlabeled.inference.table import Maker, read_embeddings
from unlabeled.probes.standardise import standardise


def neighbours(table: Path | str, item: Path | str, *, count: int = 10) -> pa.Table:
    """The `count` rows nearest to `item`, nearest first, without its own.

    table: a Parquet file that `embed` wrote; item: an id in it, a name that one item alone has, a
    node (`item#name`), or else a new file, which is embedded by the encoder that made the table.
    If items have many rows (windows of tokens, nodes), the query is their mean and the results are
    single rows with their position or node. Returns the columns of the table but the vectors, and
    `similarity`: the cosine of vectors whose columns were standardised over the table, -1 … 1.

    Raises DataError if it is not a table of embeddings, UsageError if there is neither such an item
    nor such a file, RunError if the encoder is gone or has changed.
    """
    path, item = Path(table), str(item)
    rows = read_embeddings(path)
    own = _asked(rows, item)
    known = rows["vector"].is_valid().to_numpy()
    new = None
    if not own.any():
        if not Path(item).exists():
            raise UsageError(f"{path}: has no item {item!r}, nor is it a file. {_known(rows)}")
        new = _embedded(path, rows, Path(item))
    elif not (own & known).any():
        raise UsageError(f"{path}: {item!r} has no vector: it lacks what this output is made of.")
    # Before anything is flattened, which drops nulls and would shift all rows after one.
    rows, own = rows.filter(pa.array(known)), own[known]
    flat = rows["vector"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
    vectors = flat.reshape(len(rows), -1)
    # A new file is scaled with the statistics of the table, without being part of them.
    scaled, query = standardise(vectors, vectors[own] if new is None else new)
    cosine = _cosine(scaled, query.mean(0))
    order = np.argsort(-cosine, kind="stable")
    nearest = order[~own[order]][:count]
    found = rows.take(pa.array(nearest)).drop_columns(["vector"])
    return found.append_column("similarity", pa.array(cosine[nearest]))


def _cosine(rows: np.ndarray, query: np.ndarray) -> np.ndarray:
    """rows: (N, D); query: (D,). Returns (N,), 0 for rows of length 0."""
    lengths = np.linalg.norm(rows, axis=1) * np.linalg.norm(query)
    cosine: np.ndarray = (rows @ query) / np.maximum(lengths, np.finfo(lengths.dtype).tiny)
    return cosine


def _embedded(table: Path, rows: pa.Table, file: Path) -> np.ndarray:
    """(L, D) vectors of a new file. Raises RunError, DataError, UnreadableItem, UsageError."""
    maker = Maker.written(rows.schema.metadata)
    if not maker.encoder:
        raise UsageError(
            f"{table}: does not say which run made it, so {file} cannot be embedded. Write the "
            "table again by `unlabeled embed`."
        )
    config = read_config(maker.encoder)
    output = choose_output(config.outputs, maker.output)
    if Maker.of(maker.encoder, config, output).digest != maker.digest:
        raise RunError(
            f"{maker.encoder}: the encoder is not the one that made {table}. Write the table again "
            "by `unlabeled embed`."
        )
    reader = load_reader(maker.encoder)
    source = open_source(reader, file, Limits("stop", 0.0))
    encoder = load_encoder(maker.encoder).to(device())
    size = config.provenance.batch_size
    found = [
        piece.values
        for _, samples in source.batches(range(len(source.items)), size)
        for piece in encode(encoder, samples, output.name)
        if piece.present
    ]
    if not found:
        raise UsageError(f"{file}: has no vector: it lacks what this output is made of.")
    return np.concatenate(found)


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
