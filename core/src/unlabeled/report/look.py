"""Look at one item: its embedding, what the reader shows of it, and two views of the recipe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from unlabeled.augmentations.views import Views, ViewSettings
from unlabeled.contract import Encoder, Preview, Previews, Reader, ShowsWork, Work
from unlabeled.contract.preview import LARGEST_PREVIEW
from unlabeled.data.items import Item, Items
from unlabeled.export.encoder import load_encoder
from unlabeled.inference.encoding import encode
from unlabeled.randomness import Draw
from unlabeled.training.method import load_method

EACH = 4
"""Previews of an item."""
VIEWS = 2


@dataclass(frozen=True, slots=True)
class Found:
    """What was seen of an item. vector: (D,), None where it has none; views: the previews of each
    view; larger: previews that are left out, as they are too large or too many."""

    vector: np.ndarray | None = None
    previews: tuple[Preview, ...] = ()
    views: tuple[tuple[Preview, ...], ...] = ()
    larger: int = 0
    work: tuple[tuple[str, tuple[Preview, ...]], ...] = ()
    note: str = ""


@dataclass
class Embed:
    """The embedding of the item at a row, (D,): tokens and nodes as their mean."""

    reader: Reader
    items: Items
    encoder: Path
    output: str

    @cached_property
    def loaded(self) -> Encoder:
        """In the process that needs it."""
        return load_encoder(self.encoder)

    def __call__(self, row: int) -> Found:
        sample = self.reader.read(self.items[row])
        (piece,) = encode(self.loaded, [sample], self.output)
        vector = piece.values.mean(0) if len(piece.values) and piece.present else None
        return Found(vector if vector is None or np.isfinite(vector).all() else None)


@dataclass
class Show:
    """What the reader shows of the item at a row, and of two views of those in `twice`, and what
    the method of the run at `method`, if there is one, did with these."""

    reader: Reader
    items: Items
    views: Sequence[ViewSettings] = ()
    twice: frozenset[int] = field(default_factory=frozenset)
    method: Path | None = None

    @cached_property
    def loaded(self) -> object:
        """In the process that needs it."""
        return load_method(self.method) if self.method else None

    def __call__(self, row: int) -> Found:
        item = self.items[row]
        sample, reader = self.reader.read(item), self.reader
        assert isinstance(reader, Previews)
        every = list(reader.previews(item, sample))
        kept = small(every)
        views = self._views(item, reader) if row in self.twice and self.views else ()
        work = self._work(item, reader) if row in self.twice else None
        columns = tuple((title, small(shown)) for title, shown in work.columns) if work else ()
        return Found(
            previews=kept,
            views=views,
            larger=len(every) - len(kept),
            work=columns,
            note=work.note if work else "",
        )

    def _work(self, item: Item, reader: Previews) -> Work | None:
        """Of the window that training would draw first."""
        if not isinstance(self.loaded, ShowsWork):
            return None
        draw = Draw.of(item, 0, 0)
        return self.loaded.show_work(item, self.reader.read(item, draw.rng("read")), draw, reader)

    def _views(self, item: Item, reader: Previews) -> tuple[tuple[Preview, ...], ...]:
        draw = Draw.of(item, 0, 0)
        # A reader of large sources gives one window of its choice, as in training.
        sample = self.reader.read(item, draw.rng("window"))
        made = Views(self.views).make(sample, draw)[:VIEWS]
        return tuple(small(list(reader.previews(item, view.sample))) for view in made)


def small(previews: Sequence[Preview]) -> tuple[Preview, ...]:
    """Those that a page can hold."""
    return tuple(each for each in previews[:EACH] if len(each.content) <= LARGEST_PREVIEW)
