"""The reader: finds items and reads them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from unlabeled.contract.samples import Sample
from unlabeled.data.items import Item, Items


class Reader(Protocol):
    """Finds the items below a path and reads one at a time. A `Settings` model.

    With the class attribute `private = True` (data about people) runs write pseudonyms in place of
    ids, groups and metadata, and no sources (see `unlabeled.privacy`); the class attribute `public`
    lists the metadata columns that identify nobody and are written unchanged.
    """

    def index(self, path: Path) -> Items:
        """List the items from headers only; files that cannot be used go to `quarantine`.

        Raises DataError if `path` does not exist or holds no item.
        """

    def read(self, item: Item, rng: np.random.Generator | None = None) -> Sample:
        """Read one item, with its units.

        rng is given while training: a reader of large sources draws its window from it and
        reads no more than that. Without it the item is read as a whole.
        Raises UnreadableItem.
        """

    def describe(self, items: Items) -> Mapping[str, Any]:
        """Facts about the data that encoders need (`sample_rate`, `node_features`, `bands` …).

        An encoder setting of the same name is filled with the fact if it is None; another value is
        a RecipeError.
        """
