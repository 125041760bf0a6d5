"""Items that cannot be used: each listed once, up to a limit."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

from unlabeled.atomic import write_text
from unlabeled.data.items import Items, Quarantined
from unlabeled.errors import DataError, UnreadableItem
from unlabeled.run_folder import JsonLines

OWNER = 0o600
"""The mode of files that only their owner may read."""

Unreadable = Literal["skip", "stop"]


@dataclass(frozen=True, slots=True)
class Limits:
    """unreadable: what to do with an item that cannot be read; max_skipped: the largest share of
    items that may be left out."""

    unreadable: Unreadable = "skip"
    max_skipped: float = 0.1

    def check_index(self, items: Items) -> None:
        """Raises UnreadableItem if the policy is `stop` and the index left something out, DataError
        if it left out too much."""
        for bad in items.quarantine[:1]:
            if self.unreadable == "stop":
                raise UnreadableItem(bad.source, bad.expected, bad.found)
            self.check(len(items.quarantine), items, bad)

    def check(self, count: int, items: Items, bad: Quarantined) -> None:
        """Raises DataError if `count` is more than the allowed share of all items. bad: one of
        them."""
        total = len(items) + len(items.quarantine)
        # A product would be rounded: 0.29 * 100 < 29.
        if count / max(total, 1) > self.max_skipped:
            raise DataError(
                f"{count} of {total} items cannot be used, more than the share of "
                f"{self.max_skipped:g} that --max-skipped allows; one of them is {bad.source}: "
                f"expected {bad.expected}, found {bad.found}. Repair or remove them, or raise "
                "--max-skipped."
            )


class Quarantine:
    """`quarantine.jsonl` of a run: found by the index or later."""

    def __init__(self, file: JsonLines, items: Items, limits: Limits, *, write: bool) -> None:
        """write: whether this process writes the file; the others only count."""
        self._file, self._items, self._limits, self._write = file, items, limits, write
        self._known = {row["item"] for row in file.rows()}
        self.add(items.quarantine)

    @property
    def met_later(self) -> int:
        """How many items could not be used though the index had listed them."""
        return len(self._known - {named(bad).item for bad in self._items.quarantine})

    def add(self, found: Iterable[Quarantined]) -> None:
        """List those not listed yet. Raises DataError above the ceiling."""
        for bad in map(named, found):
            if bad.item in self._known:
                continue
            self._known.add(bad.item)
            if self._write:
                self._file.append(asdict(bad))
            self._limits.check(len(self._known), self._items, bad)


def named(bad: Quarantined) -> Quarantined:
    """What is no item is called by its source."""
    return bad if bad.item else replace(bad, item=bad.source)


def write_quarantine(path: Path, quarantine: Sequence[Quarantined], *, private: bool) -> None:
    """One JSON line per item that cannot be used; no file if there is none."""
    if quarantine:
        lines = "".join(json.dumps(asdict(named(bad))) + "\n" for bad in quarantine)
        write_text(path, lines, mode=OWNER if private else 0o666)
    else:
        path.unlink(missing_ok=True)
