"""A handful of items as a reader shows them, bounded in number, size and time."""

from __future__ import annotations

import base64
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from unlabeled.contract import Preview, Previews
from unlabeled.contract.preview import LARGEST_PREVIEW
from unlabeled.data.items import Item
from unlabeled.errors import UnreadableItem, UsageError
from unlabeled.privacy import is_private
from unlabeled.recipe import Choice, build_reader

ITEMS, EACH, SECONDS = 6, 4, 20.0
"""Items that are shown, previews of each, and the time after which no further item is begun."""
TYPES = {"png": "image/png", "svg": "image/svg+xml", "wav": "audio/wav"}


@dataclass(frozen=True, slots=True)
class Shown:
    """One preview of an item as the page holds it. uri: `data:`, which asks nobody."""

    item: str
    caption: str
    uri: str
    sound: bool


@dataclass(slots=True)
class Previewed:
    """shown: previews, item by item; notes: what was left out, in sentences."""

    shown: list[Shown] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def previews_of(reader: Choice, data: Path, *, private: bool = False) -> Previewed:
    """Previews of items that are spread evenly over the index.

    private: whether data about people may be shown. Raises UsageError if they may not, or the
    reader shows nothing; DataError if there is nothing to read.
    """
    reads = build_reader(reader)
    if not isinstance(reads, Previews):
        raise UsageError(f"{reader.name} shows no previews; leave out --data")
    if is_private(reads) and not private:
        raise UsageError(
            f"{reader.name} reads data about people, which a report does not show; add "
            "--show-private to have them in it"
        )
    items = reads.index(data)
    step, start = max(1, len(items) // ITEMS), time.monotonic()
    made = Previewed()
    chosen = list(range(0, len(items), step))[:ITEMS]
    for number, index in enumerate(chosen):
        if time.monotonic() - start > SECONDS:
            made.notes.append(f"{len(chosen) - number} items not shown: {SECONDS:g} s were over")
            break
        try:
            found = reads.previews(items[index], reads.read(items[index]))
        except UnreadableItem as error:
            made.notes.append(f"An item cannot be read: {error}")
            continue
        made.shown += _shown(items[index], found, made.notes)
    return made


def _shown(item: Item, found: Sequence[Preview], notes: list[str]) -> list[Shown]:
    small = [each for each in found[:EACH] if len(each.content) <= LARGEST_PREVIEW]
    if len(small) < len(found):
        few = f"{EACH} previews of an item, of at most {LARGEST_PREVIEW:,} bytes, are shown"
        notes.append(f"{len(found) - len(small)} previews of {item.id} are left out: {few}")
    return [Shown(item.id, each.caption, _uri(each), each.format == "wav") for each in small]


def _uri(preview: Preview) -> str:
    return f"data:{TYPES[preview.format]};base64,{base64.b64encode(preview.content).decode()}"
