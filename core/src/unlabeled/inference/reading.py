"""Read indexed items in batches of similar size, leaving out what cannot be read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np

from unlabeled.contract import Reader, Sample
from unlabeled.data.items import Item, Items, Quarantined, account
from unlabeled.data.made import State
from unlabeled.data.quarantine import Limits
from unlabeled.errors import DataError, UnreadableItem
from unlabeled.export.encoder import run_of
from unlabeled.memory import bytes_of, exceeds
from unlabeled.privacy import Pseudonyms, is_private
from unlabeled.progress import say

T = TypeVar("T")

DEFAULT = Limits()


@dataclass(slots=True)
class Source:
    """Items and the way to read them.

    limits: for items that cannot be read; quarantine: those items, by id. Raises as `batches` does
    if the index left out too many already; DataError if nothing is left.
    """

    items: Items
    reader: Reader
    limits: Limits = DEFAULT
    quarantine: dict[str, Quarantined] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.limits.check_index(self.items)
        if not len(self.items):
            raise DataError("the data hold nothing that the reader of this run can read")

    @property
    def all_quarantined(self) -> tuple[Quarantined, ...]:
        """Items left out by the index and since."""
        return (*self.items.quarantine, *self.quarantine.values())

    def account(self) -> list[str]:
        """Lines that count items read and left out, by reason; of private data without names."""
        read = len(self.items) - len(self.quarantine)
        names = not is_private(self.reader)
        return account(read, self.all_quarantined, self.items.left_out, names=names)

    def done(self, states: Mapping[int, State]) -> Counter[State]:
        """How many items at these rows could be read, by state."""
        ids = self.items.table["id"]
        return Counter(s for row, s in states.items() if ids[row].as_py() not in self.quarantine)

    def batches(
        self, rows: Sequence[int], batch_size: int
    ) -> Iterator[tuple[list[int], list[Sample]]]:
        """(rows of the items, samples), small items first.

        A batch holds at most `batch_size` items, and fewer of large ones: padded to its largest,
        it is no bigger than `batch_size` items of the median size and takes at most
        `memory.BATCH_BYTES`, or it is a single item. Raises UnreadableItem (policy `stop`) or
        DataError (too many skipped).
        """
        sizes = self.items.table["size"].to_numpy()
        budget = batch_size * max(1.0, float(np.median(sizes)))
        for batch in _cut(
            sorted(rows, key=lambda row: (sizes[row], row)), sizes, batch_size, budget
        ):
            yield from self._read(batch)

    def _read(self, rows: Sequence[int]) -> Iterator[tuple[list[int], list[Sample]]]:
        """(rows, samples) of one batch, or of several where the samples take too much memory."""
        kept, samples, largest = list[int](), list[Sample](), 0
        for row in rows:
            for sample in self.tried(row, self.reader.read):
                largest = max(largest, bytes_of(sample))
                if kept and exceeds(largest, len(kept) + 1):
                    yield kept, samples
                    # New lists, as the caller may still use those.
                    kept, samples, largest = [], [], bytes_of(sample)
                kept.append(row)
                samples.append(sample)
        if kept:
            yield kept, samples

    def tried(self, row: int, action: Callable[[Item], T]) -> Iterator[T]:
        """The result of `action` for the item at `row`; nothing if it cannot be read.

        Raises as `batches` does.
        """
        item = self.items[row]
        try:
            yield action(item)
        except UnreadableItem as error:
            if self.limits.unreadable == "stop":
                raise
            bad = Quarantined(error.source, error.expected, error.found, item.id)
            self.quarantine[item.id] = bad
            self.limits.check(len(self.all_quarantined), self.items, bad)


def open_source(reader: Reader, data: Path | str, limits: Limits) -> Source:
    """Index `data`, and print on stderr what is read and what is left out.

    Raises DataError and, with the policy `stop`, UnreadableItem.
    """
    source = Source(reader.index(Path(data)), reader, limits)
    say("\n".join(source.account()))
    return source


def pseudonyms(path: Path | str, reader: Reader, out: Path) -> Pseudonyms | None:
    """Those of the run that the encoder at `path` belongs to; None if its data are not private.

    Where the run is not there, they get a folder beside the result `out`.
    """
    if not is_private(reader):
        return None
    run = run_of(path)
    return Pseudonyms(run.private if run else out.with_name(f"{out.name}.private"), reader)


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
