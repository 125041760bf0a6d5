"""A Parquet file of embeddings that grows: parts beside it, joined into it at the end."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from unlabeled.atomic import new_file
from unlabeled.data.items import Items
from unlabeled.data.made import Contents, State, digests
from unlabeled.errors import DataError, UsageError
from unlabeled.inference.encoding import Piece

ADDED = ("position", "node", "vector")
"""The columns that embedding adds to those of the index."""


class EmbeddingTable:
    """The embeddings of `items` in the Parquet file `path`.

    items: as they are named there; contents: of the same items; made_by: what tells one encoder and
    output from another; it is written into the file, and a file that says something else is
    refused. An item counts as embedded while its row in the index and its content stay the same.
    Raises DataError if `path` is no table of embeddings, UsageError if it is another encoder's.
    """

    def __init__(self, path: Path, items: Items, contents: Contents, made_by: str) -> None:
        clash = set(ADDED) & set(items.table.column_names)
        if clash:
            raise DataError(f"the reader's column {min(clash)!r} has a name that embeddings need")
        self.path, self.items, self.contents, self.made_by = path, items, contents, made_by
        self.parts = path.with_name(f".{path.name}.{made_by[:12]}.parts")
        self._digests = digests(items.table)
        self._row_of = {key: row for row, key in enumerate(self._digests)}
        self.absent = 0
        """How many rows of the joined file have no vector (`Encoder.present`)."""
        self._require_same_maker()

    def missing(self) -> dict[int, State]:
        """Rows of the items that have no embedding of what they are now, and why."""
        states: dict[int, State] = dict.fromkeys(range(len(self.items)), "new")
        for chunk in self._chunks():
            for key, state in self._states(chunk).items():
                if states.get(row := self._row_of.get(key, -1), "kept") != "kept":
                    states[row] = state
        return {row: state for row, state in states.items() if state != "kept"}

    def add(self, rows: Sequence[int], found: Sequence[Piece]) -> None:
        """Keep the embeddings of the items at `rows`: safe on disk when this returns."""
        self.parts.mkdir(parents=True, exist_ok=True)
        lengths = [len(piece.values) for piece in found]
        table = self.items.table.take(pa.array(np.repeat(rows, lengths)))
        signatures = np.repeat([self.contents.sealed(row) for row in rows], lengths)
        table = _with_columns(_signed(table, signatures.tolist()), _columns(found))
        with new_file(self.parts / f"{len(list(self._part_files())):06}.parquet") as partial:
            pq.write_table(table, partial)

    def join(self) -> tuple[int, int, int]:
        """Write parts and former rows of the present items into one file.

        Returns how many rows it has, of how many items, and how many former items are gone.
        """
        written, seen, gone, writer = 0, set[str](), set[str](), None
        with new_file(self.path) as partial:
            for chunk in self._chunks():
                states = self._states(chunk)
                fresh = {key for key, state in states.items() if state == "kept"} - seen
                seen |= fresh
                gone |= states.keys() - self._digests.keys()
                table = self._refreshed(chunk, fresh)
                writer = writer or pq.ParquetWriter(partial, table.schema)
                writer.write_table(table, row_group_size=max(1, table.num_rows))
                written += table.num_rows
                self.absent += table["vector"].null_count
            if writer is None or not written:
                raise DataError(f"none of {len(self.items)} items could be embedded")
            writer.close()
        shutil.rmtree(self.parts, ignore_errors=True)
        return written, len(seen), len(gone)

    def _states(self, chunk: pa.Table) -> dict[str, State]:
        """Of the items in a chunk: whether their embeddings are of what they are now."""
        keys = chunk["id"].to_pylist()
        if "signature" not in chunk.column_names:
            return dict.fromkeys(keys, "unknown")
        kept = dict(zip(keys, chunk["signature"].to_pylist(), strict=True))
        return {
            key: "kept" if self._is_kept(key, digest, kept[key]) else "changed"
            for key, digest in digests(chunk, ADDED).items()
        }

    def _is_kept(self, key: str, digest: str, signature: str) -> bool:
        same_row = self._digests.get(key) == digest
        return same_row and self.contents.same(self._row_of[key], signature)

    def _refreshed(self, chunk: pa.Table, fresh: set[str]) -> pa.Table:
        """The chunk's rows of the items in `fresh`, with the index columns as they are now."""
        ids = chunk["id"].to_pylist()
        kept = [place for place, key in enumerate(ids) if key in fresh]
        rows = [self._row_of[ids[place]] for place in kept]
        now = {row: self.contents.sealed(row) for row in dict.fromkeys(rows)}
        index = _signed(self.items.table.take(pa.array(rows, pa.int64())), [now[r] for r in rows])
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
    absent = np.repeat([not p.present for p in found], [len(p.values) for p in found])
    return {**columns, "vector": _fixed([piece.values for piece in found], absent)}


def _fixed(values: Sequence[np.ndarray], absent: np.ndarray | None = None) -> pa.Array:
    """(L, D) arrays as one column of fixed-size lists of their numbers; null where absent (L,)."""
    joined = np.concatenate(values)
    mask = None if absent is None or not absent.any() else pa.array(absent)
    flat = pa.array(joined.ravel())
    return pa.FixedSizeListArray.from_arrays(flat, joined.shape[1], mask=mask)


def _with_columns(table: pa.Table, columns: dict[str, pa.Array]) -> pa.Table:
    for name, column in columns.items():
        table = table.append_column(name, column)
    return table


def _signed(table: pa.Table, signatures: Sequence[str]) -> pa.Table:
    """The table with these in its column `signature`."""
    column = pa.array(signatures, pa.string())
    if "signature" not in table.column_names:
        return table.append_column("signature", column)
    return table.set_column(table.column_names.index("signature"), "signature", column)
