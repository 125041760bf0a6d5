"""Read indexed items in batches of similar size, leaving out what cannot be read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeVar

import numpy as np

from unlabeled.contract import Reader, Sample
from unlabeled.errors import DataError, UnreadableItem
from unlabeled.items import Items, Quarantined

T = TypeVar("T")


@dataclass(slots=True)
class Source:
    """Items and the way to read them.

    unreadable: what happens at an item that cannot be read; max_skipped: the largest share of all
    items that may be left out; quarantine: those that were.
    """

    items: Items
    reader: Reader
    unreadable: Literal["skip", "stop"] = "skip"
    max_skipped: float = 0.1
    quarantine: dict[str, Quarantined] = field(default_factory=dict)

    def batches(
        self, rows: Sequence[int], batch_size: int
    ) -> Iterator[tuple[list[int], list[Sample]]]:
        """(rows of the items, samples), small items first.

        A batch holds at most `batch_size` items, and fewer of large ones: padded to its largest,
        it is no bigger than `batch_size` items of the median size, or it is a single item.
        Raises UnreadableItem (policy `stop`) or DataError (too many skipped).
        """
        sizes = self.items.table["size"].to_numpy()
        budget = batch_size * max(1.0, float(np.median(sizes)))
        for batch in _cut(
            sorted(rows, key=lambda row: (sizes[row], row)), sizes, batch_size, budget
        ):
            read = [(row, sample) for row in batch for sample in self._read(row)]
            if read:
                yield [row for row, _ in read], [sample for _, sample in read]

    def _read(self, row: int) -> Iterator[Sample]:
        item = self.items[row]
        try:
            yield self.reader.read(item)
        except UnreadableItem as error:
            if self.unreadable == "stop":
                raise
            self.quarantine[item.id] = Quarantined(error.source, error.expected, error.found)
            self._check_share()

    def _check_share(self) -> None:
        skipped = len(self.quarantine) + len(self.items.quarantine)
        total = len(self.items) + len(self.items.quarantine)
        if skipped > self.max_skipped * total:
            first = next(iter(self.quarantine.values()))
            raise DataError(
                f"{skipped} of {total} items cannot be read, more than the {self.max_skipped:.0%} "
                f"that may be skipped. For example {first.source}: expected {first.expected}, "
                f"found {first.found}. Mend or remove them, or raise max_skipped."
            )


def _cut(
    rows: Sequence[int], sizes: np.ndarray, batch_size: int, budget: float
) -> Iterator[list[int]]:
    """Cut rows of ascending size where the padded batch would exceed `budget`."""
    batch: list[int] = []
    for row in rows:
        full = len(batch) == batch_size or (len(batch) + 1) * sizes[row] > budget
        if batch and full:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch
