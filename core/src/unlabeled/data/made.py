"""A record of processed items, so that only new or changed ones are processed again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, Protocol

import pyarrow as pa

from unlabeled.data.items import OF_PLACE, Items
from unlabeled.data.signature import same, sealed
from unlabeled.run_folder import JsonLines

State = Literal["kept", "new", "changed", "unknown"]
"""unknown: processed before signatures were recorded."""


class Hides(Protocol):
    """Writes signatures of private data as pseudonyms, and reverses them."""

    def hide_signature(self, signature: str) -> str: ...

    def signature(self, hidden: str) -> str: ...


class Contents:
    """Compares items with their recorded signatures.

    items: as the reader lists them; names: for private data.
    """

    def __init__(self, items: Items, names: Hides | None = None) -> None:
        self._sources = items.table["source"].to_pylist()
        self._signatures = items.table["signature"].to_pylist()
        self._names = names
        self.same = lru_cache(maxsize=1 << 16)(self._same)

    def sealed(self, row: int) -> str:
        """The signature of an item, as it is written beside its result."""
        found = sealed(self._sources[row], self._signatures[row])
        return self._names.hide_signature(found) if self._names else found

    def renewed(self, row: int, recorded: str) -> str:
        """`sealed` of an item that is the same; its files are read only if their times differ."""
        found = self._names.signature(recorded) if self._names else recorded
        now = self._signatures[row]
        return recorded if found == now or found.rpartition(".")[0] == now else self.sealed(row)

    def _same(self, row: int, recorded: str) -> bool:
        """Whether an item is unchanged since `recorded` was written."""
        found = self._names.signature(recorded) if self._names else recorded
        return same(found, self._sources[row], self._signatures[row])


class Made:
    """A file of JSON lines, one for each processed item; the last line of an item counts.

    items: as named there; their index rows are compared without their location.
    """

    def __init__(self, path: Path, items: Items, contents: Contents) -> None:
        self._lines, self._contents = JsonLines(path), contents
        self._rows = list(digests(items.table).items())
        self._known: dict[str, Mapping[str, Any]] = {
            line["item"]: line for line in self._lines.rows() if "item" in line
        }

    def state(self, row: int) -> State:
        """Whether the result of an item is up to date."""
        item, digest = self._rows[row]
        recorded = self._known.get(item)
        if recorded is None:
            return "new"
        if "signature" not in recorded:
            return "unknown"
        unchanged = recorded["row"] == digest and self._contents.same(row, recorded["signature"])
        return "kept" if unchanged else "changed"

    def add(self, row: int, **more: str) -> None:
        """Record a processed item; it is on disk when this returns."""
        item, digest = self._rows[row]
        line = {"item": item, "row": digest, "signature": self._contents.sealed(row), **more}
        self._lines.append(line)

    def close(self) -> None:
        self._lines.close()


def digests(table: pa.Table, without: tuple[str, ...] = ()) -> dict[str, str]:
    """A digest of each item's row, except where it lies and the columns `without`, by its id."""
    names = sorted(set(table.column_names) - {*OF_PLACE, *without})
    rows = zip(*(table[name].to_pylist() for name in names), strict=True)
    return {
        key: hashlib.blake2b(
            json.dumps([names, row], default=repr).encode(), digest_size=12
        ).hexdigest()
        for key, row in zip(table["id"].to_pylist(), rows, strict=True)
    }
