"""Tables of interactions as one bipartite graph of users and items.

All tables below a path are one log: `unlabeled pretrain graph/light_gcn log.csv`, or a folder of
parts. Users and items are sorted by their names. Interactions that the reader holds out are no part
of the sample, and users and items without an interaction in training are none of the graph.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from unlabeled.contract import NamesNodes
from unlabeled.data.items import Item, Items
from unlabeled.data.listing import FileRules, list_files
from unlabeled.data.sources import files_of, source_of
from unlabeled.errors import DataError, RecipeError, UnreadableItem
from unlabeled_graph.interactions import Interactions
from unlabeled_graph.readers.interaction_log import Log, build_log
from unlabeled_graph.readers.interaction_tables import ENDINGS, RowRules

NAME = "interactions"
"""The id of the one item."""


class UserItem(FileRules, RowRules, NamesNodes):
    """Reads one item, the graph of all interactions; size = users and items.

    Its nodes are the users, then the items, called `user:NAME` and `item:NAME`: in many logs both
    are numbers from 0.
    """

    def index(self, path: Path) -> Items:
        """Tables without users and items are left out; repeated pairs count once, with a note.

        Raises DataError if nothing is left, RecipeError if a time is needed and not named.
        """
        if self.hold_out.needs_time and not self.time:
            raise RecipeError(
                f"reader.time: expected the column with the time, as reader.hold_out.by is "
                f"{self.hold_out.by}, found none"
            )
        listing = list_files(path, self, ENDINGS)
        log = self._log([file.path for file in listing.files])
        for broken in log.broken:
            listing.quarantine(broken)
        for file in log.lacking:
            columns = f"{self.user} and {self.item} (reader.user, item)"
            listing.leave_out(f"that have no columns {columns}", file.name)
        if not log.files:
            return listing.items({"id": [], "source": [], "size": []}, of="table of interactions")
        training = log.training
        row: dict[str, list[str | int]] = {
            "id": [NAME],
            "source": [source_of(log.files)],
            "size": [training.users + training.items],
            "users": [training.users],
            "items": [training.items],
            "interactions": [len(training)],
            "held_out": [log.held_out.shape[1]],
        }
        return listing.items(row, log.notes, of="table of interactions")

    def read(self, item: Item, rng: np.random.Generator | None = None) -> Interactions:  # noqa: ARG002
        """The interactions of training. Raises UnreadableItem."""
        return self._log_of(item).training

    def held_out(self, item: Item) -> np.ndarray:
        """Pairs (2, H) of a user and an item of the sample that are no part of it, each once.

        Raises UnreadableItem.
        """
        return self._log_of(item).held_out

    def names(self, item: Item) -> tuple[np.ndarray, np.ndarray]:
        """The names of the users (U,) and of the items (I,) in the tables.

        Raises UnreadableItem.
        """
        log = self._log_of(item)
        return log.users, log.items

    def node_names(self, item: Item) -> np.ndarray:
        """`user:NAME` (U,), then `item:NAME` (I,). Raises UnreadableItem."""
        users, items = self.names(item)
        return np.array([f"user:{u}" for u in users] + [f"item:{i}" for i in items])

    def describe(self, items: Items) -> Mapping[str, int | str]:
        """The sizes of both sides, and a digest by which an encoder knows its interactions."""
        training = self._log_of(items[0]).training
        return {
            "users": training.users,
            "items": training.items,
            "interactions": training.digest,
        }

    def _log_of(self, item: Item) -> Log:
        try:
            log = self._log(files_of(item.source))
        except (OSError, DataError) as error:
            raise UnreadableItem(item.source, "tables of interactions", str(error)) from error
        if log.broken:
            raise log.broken[0]
        return log

    def _log(self, files: Sequence[Path]) -> Log:
        """Raises DataError."""
        changed = tuple(file.stat().st_mtime_ns for file in files)
        return _cached(self.model_dump_json(), tuple(files), changed)


@lru_cache(maxsize=1)
def _cached(settings: str, files: tuple[Path, ...], changed: tuple[int, ...]) -> Log:  # noqa: ARG001
    return build_log(UserItem.model_validate_json(settings), files)
