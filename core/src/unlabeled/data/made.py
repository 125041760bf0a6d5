"""What was made of which items, so that only what is new or changed is made again."""

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
"""unknown: made before signatures were kept, so that nobody can say."""


class Hides(Protocol):
    """How signatures of private data are written: as pseudonyms, which it can take back."""

    def hide_signature(self, signature: str) -> str: ...

    def signature(self, hidden: str) -> str: ...


class Contents:
    """The content of items, beside what was kept of it.

    items: as the reader lists them; names: of private data.
    """

    def __init__(self, items: Items, names: Hides | None = None) -> None:
        self._sources = items.table["source"].to_pylist()
        self._signatures = items.table["signature"].to_pylist()
        self._names = names
        self.same = lru_cache(maxsize=1 << 16)(self._same)

    def sealed(self, row: int) -> str:
        """The signature of an item, as it is written beside what was made of it."""
        found = sealed(self._sources[row], self._signatures[row])
        return self._names.hide_signature(found) if self._names else found

    def renewed(self, row: int, kept: str) -> str:
        """`sealed` of an item that is the same; its files are read only if their times differ."""
        found = self._names.signature(kept) if self._names else kept
        now = self._signatures[row]
        return kept if found == now or found.rpartition(".")[0] == now else self.sealed(row)

    def _same(self, row: int, kept: str) -> bool:
        """Whether an item is what it was when `kept` was written."""
        found = self._names.signature(kept) if self._names else kept
        return same(found, self._sources[row], self._signatures[row])


class Made:
    """A file of JSON lines: one for each item of which something was made, the last one counts.

    items: as they are named there; rows of their index are compared but for where they lie.
    """

    def __init__(self, path: Path, items: Items, contents: Contents) -> None:
        self._lines, self._contents = JsonLines(path), contents
        self._rows = list(digests(items.table).items())
        self._known: dict[str, Mapping[str, Any]] = {
            line["item"]: line for line in self._lines.rows() if "item" in line
        }

    def state(self, row: int) -> State:
        """Of an item: whether what was made of it still is of what it is."""
        item, digest = self._rows[row]
        kept = self._known.get(item)
        if kept is None:
            return "new"
        if "signature" not in kept:
            return "unknown"
        unchanged = kept["row"] == digest and self._contents.same(row, kept["signature"])
        return "kept" if unchanged else "changed"

    def add(self, row: int, **more: str) -> None:
        """Something was made of an item; safe on disk when this returns."""
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
