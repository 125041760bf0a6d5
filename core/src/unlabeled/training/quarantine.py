"""Items left out of training: listed once each, up to a ceiling."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

from unlabeled.data.items import Items
from unlabeled.errors import DataError, UnreadableItem
from unlabeled.run_folder import JsonLines
from unlabeled.training.loader import Skipped
from unlabeled.training.settings import TrainingSettings


class Quarantine:
    """`quarantine.jsonl`: one row per item that cannot be used, found by the index or later."""

    def __init__(
        self, file: JsonLines, items: Items, settings: TrainingSettings, *, write: bool
    ) -> None:
        """write: whether this process writes the file; the others only count."""
        self._file, self._settings, self._write = file, settings, write
        self._total = len(items) + len(items.quarantine)
        self._known = {row["item"] for row in file.rows()}
        self.add(
            Skipped(bad.source, bad.source, bad.expected, bad.found) for bad in items.quarantine
        )

    def add(self, skipped: Iterable[Skipped]) -> None:
        """List those not listed yet. Raises DataError above the ceiling."""
        for bad in skipped:
            if bad.item in self._known:
                continue
            self._known.add(bad.item)
            if self._write:
                self._file.append(asdict(bad))
            require_few(len(self._known), self._total, bad, self._settings)


def check_index(items: Items, settings: TrainingSettings) -> None:
    """Raises UnreadableItem if the policy is `stop` and the index left something out, DataError
    if it left out too much."""
    for bad in items.quarantine[:1]:
        if settings.unreadable == "stop":
            raise UnreadableItem(bad.source, bad.expected, bad.found)
        count = len(items.quarantine)
        skipped = Skipped(bad.source, bad.source, bad.expected, bad.found)
        require_few(count, len(items) + count, skipped, settings)


def require_few(count: int, total: int, bad: Skipped, settings: TrainingSettings) -> None:
    """Raises DataError if `count` of `total` items is more than the recipe lets pass."""
    if count > settings.max_skipped * total:
        raise DataError(
            f"{count} of {total} items cannot be used, more than the share of "
            f"{settings.max_skipped:g} that training.max_skipped allows; one of them is "
            f"{bad.source}: expected {bad.expected}, found {bad.found}. Mend or remove them, or "
            "raise training.max_skipped."
        )
