"""The table of items that a reader's index returns, columnar, from headers only."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa

from unlabeled.data.signature import signatures_of

REQUIRED = {
    "id": pa.string(),
    "source": pa.string(),
    "group": pa.string(),
    "size": pa.int64(),
    "signature": pa.string(),
}
OF_PLACE = ("source", "signature")
"""The columns that may differ between copies of the data."""


@dataclass(frozen=True, slots=True)
class Item:
    """One row of an index.

    id: unique and stable (relative to the indexed path, so a moved folder keeps its ids);
    source: where it is read from (see `unlabeled.data.sources`); group: patient, speaker, scene,
    scaffold or empty; size: its extent in the modality's own unit (samples, voxels, nodes,
    pixels); signature: identifies a changed file (see `unlabeled.data.signature`).
    """

    id: str
    source: str
    group: str
    size: int
    metadata: Mapping[str, Any] = field(default_factory=dict)
    signature: str = ""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Files that are not items. reason: a phrase after their number, "by exclude *.tmp"; kinds: how
    many of each, "3 .m4a, 2 .sdf", or empty."""

    reason: str
    count: int
    kinds: str = ""

    def __str__(self) -> str:
        return f"{self.count} {self.reason}{': ' * bool(self.kinds)}{self.kinds}"


@dataclass(frozen=True, slots=True)
class Quarantined:
    """An item that cannot be used, and why. item: its id, empty for a file without one."""

    source: str
    expected: str
    found: str
    item: str = ""


@dataclass(frozen=True)
class Items:
    """A columnar table of items; Python objects are made per item on access.

    table: columns id, source, group, size, signature and any metadata columns. One of these may be
    `name`, the name of an item in the data; label tables and neighbours also accept it. quarantine:
    items that cannot be used; notes: lines for the user; left_out: files that are not items, by
    reason.
    """

    table: pa.Table
    quarantine: tuple[Quarantined, ...] = ()
    notes: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()

    @classmethod
    def of(
        cls,
        columns: Mapping[str, Sequence[Any]],
        quarantine: Sequence[Quarantined] = (),
        notes: Sequence[str] = (),
        left_out: Sequence[LeftOut] = (),
    ) -> Items:
        """Build from columns of equal length; id, source and size are required, group is not.

        signature is that of the files which `source` names, unless there is such a column.
        Raises ValueError if a required column is missing or an id occurs twice.
        """
        missing = {"id", "source", "size"} - columns.keys()
        if missing:
            raise ValueError(f"items lack the columns {sorted(missing)}")
        count = len(columns["id"])
        filled = {"group": [""] * count, **columns}
        if "signature" not in filled:
            filled["signature"] = signatures_of(columns["source"])
        arrays = {
            name: pa.array(values, type=REQUIRED.get(name)) for name, values in filled.items()
        }
        extra = [name for name in arrays if name not in REQUIRED]
        table = pa.table({name: arrays[name] for name in (*REQUIRED, *extra)})
        if len(table["id"].unique()) != count:
            raise ValueError("two items have the same id")
        return cls(table, tuple(quarantine), tuple(notes), tuple(left_out))

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
        return replace(self, table=self.table.take(pa.array(indices, pa.int64())))

    def account(self, *, names: bool = True) -> list[str]:
        """Lines that count what was read and what was left out, by reason, in the same words
        everywhere.

        names: whether files may be named; those of private data are not.
        """
        return account(len(self), self.quarantine, self.left_out, names=names)

    @property
    def groups(self) -> np.ndarray:
        """(N,) the group of every item, "item ID" for one without."""
        pairs = zip(*(self.table[name].to_pylist() for name in ("id", "group")), strict=True)
        return np.array([group_name(item, group) for item, group in pairs])

    def fingerprint(self) -> str:
        """A digest of the index without the location of the data: ids, groups, sizes, metadata."""
        digest = hashlib.sha256()
        for name in sorted(set(self.table.column_names) - set(OF_PLACE)):
            digest.update(name.encode())
            for chunk in self.table[name].to_pylist():
                digest.update(repr(chunk).encode() + b"\x1f")
        return digest.hexdigest()


def group_name(item: str, group: str) -> str:
    """The name of an item's group; an item without one is its own group."""
    return group or f"item {item}"


def account(
    read: int, quarantine: Sequence[Quarantined], left_out: Sequence[LeftOut], *, names: bool
) -> list[str]:
    """See `Items.account`."""
    out = len(quarantine) + sum(each.count for each in left_out)
    if not out:
        return [f"{_items(read)} read, nothing left out"]
    lines = [f"{_items(read)} read, {out} file{'s' * (out != 1)} left out:"]
    for bad in quarantine[:1]:
        first = f"; the first is {bad.source}: expected {bad.expected}, found {bad.found}"
        lines.append(f"  {len(quarantine)} that cannot be used{first if names else ''}")
    return lines + [f"  {each}" for each in left_out]


def _items(count: int) -> str:
    return f"{count} item{'s' * (count != 1)}"
