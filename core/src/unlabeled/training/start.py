"""What is said when a run starts or goes on."""

from __future__ import annotations

from collections.abc import Iterator

from unlabeled.contract import Reader
from unlabeled.data.items import Items
from unlabeled.privacy import is_private
from unlabeled.run_folder import JsonLines, RunFolder


def about_data(folder: RunFolder, items: Items, reader: Reader) -> Iterator[str]:
    """What is read and left out, and what the reader noted."""
    yield from items.account(names=not is_private(reader))
    if items.quarantine:
        yield f"  those that cannot be used are listed in {folder.quarantine}"
    yield from items.notes


def about_beginning(folder: RunFolder, steps: int) -> Iterator[str]:
    """Where a run was killed before its first checkpoint. steps: done already."""
    if steps == 0 and next(JsonLines(folder.metrics).rows(), None):
        yield (
            f"{folder.path} had ended before its first checkpoint was written; it starts again "
            "from step 0."
        )
