"""A Parquet file of embeddings that grows: parts beside it, joined into it at the end."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from unlabeled.atomic import new_file
from unlabeled.data.items import Items
from unlabeled.errors import DataError, UsageError
from unlabeled.evaluation.encoding import Piece

ADDED = ("position", "node", "vector")
"""The columns that embedding adds to those of the index."""


class EmbeddingTable:
    """The embeddings of `items` in the Parquet file `path`.

    made_by: what tells one encoder and output from another; it is written into the file, and a
    file that says something else is refused. An item counts as embedded while its row in the
    index, except `source`, stays the same.
    Raises DataError if `path` is no table of embeddings, UsageError if it is another encoder's.
    """

    def __init__(self, path: Path, items: Items, made_by: str) -> None:
        clash = set(ADDED) & set(items.table.column_names)
        if clash:
            raise DataError(f"the reader's column {min(clash)!r} has a name that embeddings need")
        self.path = path
        self.items = items
        self.made_by = made_by
        self.parts = path.with_name(f".{path.name}.{made_by[:12]}.parts")
        self.signatures = signatures(items.table)
        self._require_same_maker()

    def missing(self) -> list[int]:
        """Rows of the items that have no embedding yet."""
        known = {key: seen for chunk in self._chunks() for key, seen in signatures(chunk).items()}
        current = enumerate(self.signatures.items())
        return [row for row, (key, signature) in current if known.get(key) != signature]

    def add(self, rows: Sequence[int], found: Sequence[Piece]) -> None:
        """Keep the embeddings of the items at `rows`: safe on disk when this returns."""
        self.parts.mkdir(parents=True, exist_ok=True)
        repeats = np.repeat(rows, [len(piece.values) for piece in found])
        table = _with_columns(self.items.table.take(pa.array(repeats)), _columns(found))
        with new_file(self.parts / f"{len(list(self._part_files())):06}.parquet") as partial:
            pq.write_table(table, partial)

    def join(self) -> tuple[int, int, int]:
        """Write parts and former rows of the present items into one file.

        Returns how many rows it has, of how many items, and how many former items are gone.
        """
        row_of = {key: row for row, key in enumerate(self.signatures)}
        written, seen, gone, writer = 0, set[str](), set[str](), None
        with new_file(self.path) as partial:
            for chunk in self._chunks():
                stored = signatures(chunk)
                fresh = {
                    key
                    for key, signature in stored.items()
                    if self.signatures.get(key) == signature and key not in seen
                }
                seen |= fresh
                gone |= stored.keys() - self.signatures.keys()
                table = self._refreshed(chunk, fresh, row_of)
                writer = writer or pq.ParquetWriter(partial, table.schema)
                writer.write_table(table, row_group_size=max(1, table.num_rows))
                written += table.num_rows
            if writer is None or not written:
                raise DataError(f"none of {len(self.items)} items could be embedded")
            writer.close()
        shutil.rmtree(self.parts, ignore_errors=True)
        return written, len(seen), len(gone)

    def _refreshed(self, chunk: pa.Table, fresh: set[str], row_of: dict[str, int]) -> pa.Table:
        """The chunk's rows of the items in `fresh`, with the index columns as they are now."""
        ids = chunk["id"].to_pylist()
        kept = [place for place, key in enumerate(ids) if key in fresh]
        index = self.items.table.take(pa.array([row_of[ids[place]] for place in kept], pa.int64()))
        added = chunk.select([name for name in ADDED if name in chunk.column_names])
        added = added.take(pa.array(kept, pa.int64()))
        table = _with_columns(index, {name: added[name] for name in added.column_names})
        return table.replace_schema_metadata({"made_by": self.made_by})

    def _chunks(self) -> Iterator[pa.Table]:
        """What is stored, a bounded piece at a time; no item is in two pieces of one file."""
        former = [self.path] if self.path.exists() else []
        for path in (*former, *self._part_files()):
            with pq.ParquetFile(path) as file:
                for group in range(file.num_row_groups):
                    yield file.read_row_group(group)

    def _part_files(self) -> list[Path]:
        return sorted(self.parts.glob("[0-9]*.parquet"))

    def _require_same_maker(self) -> None:
        if not self.path.exists():
            return
        try:
            metadata = pq.read_schema(self.path).metadata or {}
        except (OSError, pa.ArrowInvalid) as error:
            raise DataError(
                f"{self.path}: expected a Parquet file of embeddings, found: {error}. "
                "Choose another output file, or delete this one."
            ) from error
        if metadata.get(b"made_by", b"").decode() != self.made_by:
            raise UsageError(
                f"{self.path}: holds something else than this encoder's embeddings of this output. "
                "Choose another output file, or delete this one."
            )


def _columns(found: Sequence[Piece]) -> dict[str, pa.Array]:
    columns = {}
    if found[0].position is not None:
        columns["position"] = _fixed([p.position for p in found if p.position is not None])
    if found[0].node is not None:
        columns["node"] = pa.array(np.concatenate([p.node for p in found if p.node is not None]))
    return {**columns, "vector": _fixed([piece.values for piece in found])}


def _fixed(values: Sequence[np.ndarray]) -> pa.Array:
    """(L, D) arrays as one column of fixed-size lists of their numbers."""
    joined = np.concatenate(values)
    return pa.FixedSizeListArray.from_arrays(pa.array(joined.ravel()), joined.shape[1])


def _with_columns(table: pa.Table, columns: dict[str, pa.Array]) -> pa.Table:
    for name, column in columns.items():
        table = table.append_column(name, column)
    return table


def signatures(table: pa.Table) -> dict[str, str]:
    """A digest of each item's row, except where it lies and what embedding added."""
    names = sorted(set(table.column_names) - {"source", *ADDED})
    rows = zip(*(table[name].to_pylist() for name in names), strict=True)
    return {
        key: hashlib.blake2b(
            json.dumps([names, row], default=repr).encode(), digest_size=12
        ).hexdigest()
        for key, row in zip(table["id"].to_pylist(), rows, strict=True)
    }
