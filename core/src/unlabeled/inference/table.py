"""A Parquet file of embeddings that can grow: parts beside it are joined into it at the end."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from unlabeled.atomic import new_file
from unlabeled.contract import Output, Piece
from unlabeled.data.items import Items
from unlabeled.data.made import Contents, State, digests
from unlabeled.errors import DataError, UsageError
from unlabeled.export.encoder import EncoderConfig, encoder_digest, encoder_folder
from unlabeled.formats import require_format

FORMAT = 1
FORMAT_KEY = "unlabeled_format"
"""The layout of a table, in the file's metadata."""

EXPECTED = "a Parquet file that `unlabeled embed` wrote"

ADDED = ("position", "node", "vector")
"""The columns that embedding adds to those of the index."""

ROWS = 4096
RUNS = 64
"""Rows, or pieces, that are written at a time; a larger piece is written by itself."""


@dataclass(frozen=True, slots=True)
class Maker:
    """The origin of a table. encoder: its folder; output: of the encoder; digest: of both, which
    differs for an encoder trained again in the same folder; note: a sentence for users."""

    encoder: str
    output: str
    digest: str
    note: str = ""

    @classmethod
    def of(cls, path: Path | str, config: EncoderConfig, output: Output) -> Maker:
        """path: a run or its encoder folder. Raises RunError."""
        digest = hashlib.sha256((encoder_digest(path, config) + output.name).encode()).hexdigest()
        note = config.provenance.unfinished
        return cls(str(encoder_folder(path).resolve()), output.name, digest, note)

    @classmethod
    def written(cls, metadata: Mapping[bytes, bytes] | None) -> Maker:
        """As a table's metadata name it; empty text for what they do not say."""
        found = metadata or {}
        names = (b"encoder", b"output", b"made_by", b"note")
        return cls(*(found.get(name, b"").decode() for name in names))

    def to_metadata(self) -> dict[str, str]:
        made = {"made_by": self.digest, "encoder": self.encoder, "output": self.output}
        return {FORMAT_KEY: str(FORMAT), **made, **({"note": self.note} if self.note else {})}


class EmbeddingTable:
    """The embeddings of `items` in the Parquet file `path`.

    items: as they are named there; contents: of the same items; maker: is written into the file,
    and a file of another one is refused. An item counts as embedded while its row in the index and
    its content stay the same.
    Raises DataError if `path` is no table of embeddings, UsageError if it is another encoder's.
    """

    def __init__(self, path: Path, items: Items, contents: Contents, maker: Maker) -> None:
        clash = set(ADDED) & set(items.table.column_names)
        if clash:
            raise DataError(f"the reader's column {min(clash)!r} has a name that embeddings need")
        self.path, self.items, self.contents, self.maker = path, items, contents, maker
        self.parts = path.with_name(f".{path.name}.{maker.digest[:12]}.parts")
        self._digests = digests(items.table)
        self._row_of = {key: row for row, key in enumerate(self._digests)}
        self.absent = 0
        """How many rows of the joined file have no vector (`Encoder.present`)."""
        self._require_same_maker()

    def missing(self) -> dict[int, State]:
        """Rows of the items without an up-to-date embedding, and why."""
        states: dict[int, State] = dict.fromkeys(range(len(self.items)), "new")
        for chunk in self._chunks():
            for key, state in self._states(chunk).items():
                if states.get(row := self._row_of.get(key, -1), "kept") != "kept":
                    states[row] = state
        return {row: state for row, state in states.items() if state != "kept"}

    def add(self, rows: Sequence[int], found: Sequence[Piece]) -> None:
        """Store the embeddings of the items at `rows`; they are on disk when this returns."""
        self.parts.mkdir(parents=True, exist_ok=True)
        lengths = [len(piece.values) for piece in found]
        table = self.items.table.take(pa.array(np.repeat(rows, lengths)))
        signatures = np.repeat([self.contents.sealed(row) for row in rows], lengths)
        table = _with_columns(_signed(table, signatures.tolist()), _columns(found))
        with new_file(self.parts / f"{len(list(self._part_files())):06}.parquet") as partial:
            pq.write_table(table, partial)

    def join(self) -> tuple[int, int, int]:
        """Write parts and former rows of the present items into one file, in the index's order.

        Returns how many rows it has, of how many items, and how many former items are gone.
        """
        places, gone = self._places()
        if not places:
            raise DataError(f"none of {len(self.items)} items could be embedded")
        written, writer = 0, None
        with new_file(self.path) as partial:
            for table in self._ordered(places):
                writer = writer or pq.ParquetWriter(partial, table.schema)
                writer.write_table(table, row_group_size=table.num_rows)
                written += table.num_rows
                self.absent += table["vector"].null_count
            assert writer is not None
            writer.close()
        shutil.rmtree(self.parts, ignore_errors=True)
        return written, len(places), len(gone)

    def _places(self) -> tuple[dict[int, tuple[int, int, int]], set[str]]:
        """By the row of each item: the chunk that holds it, from which row of it to which one; and
        the ids of items that are gone."""
        places: dict[int, tuple[int, int, int]] = {}
        gone: set[str] = set()
        for number, chunk in enumerate(self._chunks()):
            states, ids = self._states(chunk), chunk["id"].to_pylist()
            gone |= states.keys() - self._digests.keys()
            start = 0
            for key, rows in groupby(ids):
                stop = start + len(list(rows))
                if states[key] == "kept":
                    places.setdefault(self._row_of[key], (number, start, stop))
                start = stop
        return places, gone

    def _ordered(self, places: dict[int, tuple[int, int, int]]) -> Iterator[pa.Table]:
        """The present items in the order of the index, a bounded number of rows at a time."""
        # Chunks are in the index's order themselves, former ones and new parts side by side.
        addresses = self._addresses()
        chunk = lru_cache(maxsize=4)(lambda number: _read_chunk(*addresses[number]))
        pending: list[pa.Table] = []
        for number, start, stop in _runs(places):
            pending.append(self._refreshed(chunk(number).slice(start, stop - start)))
            if stop - start >= ROWS or sum(map(len, pending)) >= ROWS or len(pending) >= RUNS:
                yield pa.concat_tables(pending).combine_chunks()
                pending = []
        if pending:
            yield pa.concat_tables(pending).combine_chunks()

    def _states(self, chunk: pa.Table) -> dict[str, State]:
        """For the items in a chunk: whether their embeddings are up to date."""
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

    def _refreshed(self, stored: pa.Table) -> pa.Table:
        """Rows of items that are kept, with the index columns as they are now."""
        rows = [self._row_of[key] for key in stored["id"].to_pylist()]
        kept = dict(zip(rows, stored["signature"].to_pylist(), strict=True))
        now = {row: self.contents.renewed(row, signature) for row, signature in kept.items()}
        index = _signed(self.items.table.take(pa.array(rows, pa.int64())), [now[r] for r in rows])
        names = [name for name in ADDED if name in stored.column_names]
        table = _with_columns(index, {name: stored[name] for name in names})
        return table.replace_schema_metadata(self.maker.to_metadata())

    def _chunks(self) -> Iterator[pa.Table]:
        """The stored rows, a bounded piece at a time; no item is in two pieces of one file."""
        return (_read_chunk(path, group) for path, group in self._addresses())

    def _addresses(self) -> list[tuple[Path, int]]:
        former = [self.path] if self.path.exists() else []
        files = (*former, *self._part_files())
        return [(path, n) for path in files for n in range(pq.read_metadata(path).num_row_groups)]

    def _part_files(self) -> list[Path]:
        return sorted(self.parts.glob("[0-9]*.parquet"))

    def _require_same_maker(self) -> None:
        if not self.path.exists():
            return
        try:
            metadata = pq.read_schema(self.path).metadata
        except (OSError, pa.ArrowInvalid) as error:
            raise DataError(
                f"{self.path}: expected a Parquet file of embeddings, found: {error}. "
                "Choose another output file, or delete this one."
            ) from error
        _require_format(metadata, self.path)
        if Maker.written(metadata).digest != self.maker.digest:
            raise UsageError(
                f"{self.path}: holds something else than this encoder's embeddings of this output. "
                "Choose another output file, or delete this one."
            )


def read_schema(path: Path) -> pa.Schema:
    """The columns and metadata of a table that `embed` wrote. Raises DataError."""
    try:
        schema = pq.read_schema(path)
    except FileNotFoundError as error:
        raise DataError(f"{path}: expected {EXPECTED}, found no such file") from error
    except (OSError, pa.ArrowInvalid) as error:
        raise DataError(f"{path}: expected {EXPECTED}, found: {error}") from error
    _require_format(schema.metadata, path)
    if not {"id", "vector"} <= set(schema.names):
        raise DataError(f"{path}: expected {EXPECTED}, found the columns {', '.join(schema.names)}")
    return schema


def read_embeddings(path: Path) -> pa.Table:
    """A table that `embed` wrote, with at least the columns id and vector. Raises DataError."""
    read_schema(path)
    return pq.read_table(path)


def _require_format(metadata: Mapping[bytes, bytes] | None, path: Path) -> None:
    """Raises DataError for another format; a table without a number is not one of `embed`."""
    text = (metadata or {}).get(FORMAT_KEY.encode(), str(FORMAT).encode()).decode()
    again = "Embed again into another file, or delete this one"
    require_format(int(text) if text.isdecimal() else text, FORMAT, path, DataError, again)


def _read_chunk(path: Path, group: int) -> pa.Table:
    with pq.ParquetFile(path) as file:
        return file.read_row_group(group)


def _runs(places: dict[int, tuple[int, int, int]]) -> Iterator[tuple[int, int, int]]:
    """Places in the order of rows, joined where one begins where the other ends."""
    run: tuple[int, int, int] | None = None
    for row in sorted(places):
        number, start, stop = places[row]
        if run and run[0] == number and run[2] == start:
            run = (number, run[1], stop)
            continue
        if run:
            yield run
        run = (number, start, stop)
    if run:
        yield run


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
