"""Items left out of training: listed once each, up to a ceiling."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

from unlabeled.errors import DataError, UnreadableItem
from unlabeled.items import Items
from unlabeled.run_folder import JsonLines
from unlabeled.training.loader import ATTEMPTS, Skipped
from unlabeled.training.settings import TrainingSettings


class Quarantine:
    """`quarantine.jsonl`: one row per item that cannot be used, from the index or met later."""

    def __init__(
        self, file: JsonLines, items: Items, settings: TrainingSettings, *, write: bool
    ) -> None:
        """write: whether this process writes the file; the others only count."""
        self._file, self._settings, self._write = file, settings, write
        self._total = len(items) + len(items.quarantine)
        self._known = {row["item"] for row in file.rows()}
        self.add(Skipped("", bad.source, bad.expected, bad.found) for bad in items.quarantine)

    def add(self, skipped: Iterable[Skipped]) -> None:
        """List those not listed yet.

        Raises UnreadableItem if the policy is `stop`, DataError above the ceiling.
        """
        for bad in skipped:
            name = bad.item or bad.source
            if name in self._known:
                continue
            self._known.add(name)
            if self._write:
                self._file.append({**asdict(bad), "item": name})
            if self._settings.unreadable == "stop":
                raise UnreadableItem(bad.source, bad.expected, bad.found)
            self._check_share(bad)

    def give_up(self) -> DataError:
        """The error for a place in a batch that no readable item could fill."""
        return DataError(
            f"No readable item in {ATTEMPTS} attempts to replace one; {len(self._known)} of "
            f"{self._total} items are in {self._file.path}. Mend or remove them."
        )

    def _check_share(self, last: Skipped) -> None:
        share = len(self._known) / self._total
        if share > self._settings.max_skipped:
            raise DataError(
                f"{len(self._known)} of {self._total} items cannot be used, more than the share "
                f"of {self._settings.max_skipped:g} that training.max_skipped allows. The last: "
                f"{last.source}: expected {last.expected}, found {last.found}. "
                f"All are listed in {self._file.path}."
            )
