"""What a reader's index returns: a table of items, columnar, from headers only."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

REQUIRED = {"id": pa.string(), "source": pa.string(), "group": pa.string(), "size": pa.int64()}


@dataclass(frozen=True, slots=True)
class Item:
    """One row of an index.

    id: unique and stable (relative to the indexed path, so a moved folder keeps its ids);
    source: where it is read from; group: patient, speaker, scene, scaffold or empty;
    size: its extent in the modality's own unit (samples, voxels, nodes, pixels).
    """

    id: str
    source: str
    group: str
    size: int
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Quarantined:
    """An item that was left out, and why."""

    source: str
    expected: str
    found: str


@dataclass(frozen=True)
class Items:
    """A columnar table of items; no Python object per item until one is asked for.

    table: columns id, source, group, size and any metadata columns. One of these may be `name`,
    what the data call an item: label tables and neighbours find it by that as well.
    notes: lines for the user ("12 files look like label maps …").
    """

    table: pa.Table
    quarantine: tuple[Quarantined, ...] = ()
    notes: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        columns: Mapping[str, Sequence[Any]],
        quarantine: Sequence[Quarantined] = (),
        notes: Sequence[str] = (),
    ) -> Items:
        """Build from columns of equal length; id, source and size are required, group is not.

        Raises ValueError if a required column is missing or an id stands twice.
        """
        missing = {"id", "source", "size"} - columns.keys()
        if missing:
            raise ValueError(f"items lack the columns {sorted(missing)}")
        count = len(columns["id"])
        filled = {"group": [""] * count, **columns}
        arrays = {
            name: pa.array(values, type=REQUIRED.get(name)) for name, values in filled.items()
        }
        extra = [name for name in arrays if name not in REQUIRED]
        table = pa.table({name: arrays[name] for name in (*REQUIRED, *extra)})
        if len(table["id"].unique()) != count:
            raise ValueError("two items have the same id")
        return cls(table, tuple(quarantine), tuple(notes))

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def __getitem__(self, index: int) -> Item:
        row = {name: self.table[name][index].as_py() for name in self.table.column_names}
        required = {name: row.pop(name) for name in REQUIRED}
        return Item(**required, metadata=row)

    def __iter__(self) -> Iterator[Item]:
        return (self[index] for index in range(len(self)))

    def take(self, indices: Sequence[int]) -> Items:
        """The items at `indices`, in that order."""
        return Items(self.table.take(pa.array(indices, pa.int64())), self.quarantine, self.notes)

    def fingerprint(self) -> str:
        """A digest of what the index says, except where it lies: (ids, groups, sizes, metadata)."""
        digest = hashlib.sha256()
        for name in sorted(set(self.table.column_names) - {"source"}):
            digest.update(name.encode())
            for chunk in self.table[name].to_pylist():
                digest.update(repr(chunk).encode() + b"\x1f")
        return digest.hexdigest()
