"""Read indexed items in batches of similar size, leaving out what cannot be read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np

from unlabeled.atomic import write_text
from unlabeled.contract import Reader, Sample
from unlabeled.data.items import Item, Items, Quarantined
from unlabeled.errors import DataError, UnreadableItem
from unlabeled.export.encoder import run_of
from unlabeled.privacy import OWNER, Pseudonyms, is_private

T = TypeVar("T")


@dataclass(slots=True)
class Source:
    """Items and the way to read them.

    unreadable: what happens at an item that cannot be read; max_skipped: the largest share of all
    items that may be left out; quarantine: those that were.
    Raises as `batches` does if the index left out too much already; DataError if nothing is left.
    """

    items: Items
    reader: Reader
    unreadable: Literal["skip", "stop"] = "skip"
    max_skipped: float = 0.1
    quarantine: dict[str, Quarantined] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for bad in self.items.quarantine[:1]:
            if self.unreadable == "stop":
                raise UnreadableItem(bad.source, bad.expected, bad.found)
            self._check_share(bad)
        if not len(self.items):
            raise DataError("the data hold nothing that the reader of this run can read")

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
            read = [(row, sample) for row in batch for sample in self.tried(row, self.reader.read)]
            if read:
                yield [row for row, _ in read], [sample for _, sample in read]

    def tried(self, row: int, action: Callable[[Item], T]) -> Iterator[T]:
        """What `action` makes of the item at `row`; nothing if it cannot be read.

        Raises as `batches` does.
        """
        item = self.items[row]
        try:
            yield action(item)
        except UnreadableItem as error:
            if self.unreadable == "stop":
                raise
            bad = Quarantined(error.source, error.expected, error.found)
            self.quarantine[item.id] = bad
            self._check_share(bad)

    def _check_share(self, bad: Quarantined) -> None:
        skipped = len(self.quarantine) + len(self.items.quarantine)
        total = len(self.items) + len(self.items.quarantine)
        if skipped > self.max_skipped * total:
            raise DataError(
                f"{skipped} of {total} items cannot be read, more than the {self.max_skipped:.0%} "
                f"that may be skipped. For example {bad.source}: expected {bad.expected}, "
                f"found {bad.found}. Mend or remove them, or raise max_skipped."
            )


def pseudonyms(path: Path | str, reader: Reader, out: Path) -> Pseudonyms | None:
    """Those of the run that the encoder at `path` belongs to; None if its data are not private.

    Where the run is not there, they get a folder beside the result `out`.
    """
    if not is_private(reader):
        return None
    run = run_of(path)
    return Pseudonyms(run.private if run else out.with_name(f"{out.name}.private"), reader)


def write_quarantine(path: Path, quarantine: Sequence[Quarantined], *, private: bool) -> None:
    """One JSON line per item that was left out; no file if there is none."""
    if quarantine:
        lines = "".join(json.dumps(asdict(item)) + "\n" for item in quarantine)
        write_text(path, lines, mode=OWNER if private else 0o666)
    else:
        path.unlink(missing_ok=True)


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
