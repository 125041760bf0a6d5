"""All tables of a log as one graph, and the interactions that are held out of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from unlabeled.errors import DataError, UnreadableItem
from unlabeled.wording import counted
from unlabeled_graph.interactions import Interactions
from unlabeled_graph.readers.hold_out import HoldOut
from unlabeled_graph.readers.interaction_tables import RowRules, Rows


@dataclass(frozen=True, slots=True)
class Log:
    """training: what a run sees; users, items: the names (U,) and (I,) of its sides, sorted;
    held_out: (2, H) pairs of these users and items that it does not see; files: those used;
    broken, lacking: those that cannot be read, or have no users and items."""

    training: Interactions
    users: np.ndarray
    items: np.ndarray
    held_out: np.ndarray
    files: tuple[Path, ...]
    notes: tuple[str, ...]
    broken: tuple[UnreadableItem, ...] = ()
    lacking: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class _Pairs:
    """E pairs, each once. user, item: numbers; time: (E,) of the earliest row; test: (E,) bool."""

    user: np.ndarray
    item: np.ndarray
    time: np.ndarray
    test: np.ndarray

    def __len__(self) -> int:
        return len(self.user)


def build_log(rules: RowRules, files: Sequence[Path]) -> Log:
    """The log of these files, in their order. Raises DataError if some have dates, others numbers
    as time, no file is of test rows where there should be one, or nothing is left to train on."""
    found, broken, lacking = dict[Path, Rows](), list[UnreadableItem](), list[Path]()
    for file in files:
        try:
            usable = rules.rows_of(file)
        except UnreadableItem as error:
            broken.append(error)
            continue
        if usable is None:
            lacking.append(file)
        else:
            found[file] = usable
    if not found:
        none, names = np.zeros((2, 0), np.int64), np.array([], str)
        empty = Interactions(none[0], none[1], 0, 0)
        return Log(empty, names, names, none, (), (), tuple(broken), tuple(lacking))
    _require_one_time(found)
    if rules.hold_out.test and not any(each.test.any() for each in found.values()):
        raise DataError(f"reader.hold_out.test: no table fits {rules.hold_out.test!r}")
    users, user = _numbered([each.user for each in found.values()])
    items, item = _numbered([each.item for each in found.values()])
    time, test = (np.concatenate([getattr(r, n) for r in found.values()]) for n in ("time", "test"))
    rows = _Pairs(user, item, time, test)
    pairs = _first_of_each(rows, len(items))
    repeats = _repeats(rows, pairs, len(items))
    held = rules.hold_out.held(pairs.user, pairs.time, pairs.test)
    training, users, items, held_out = _split(pairs, held, users, items)
    notes = [note for each in found.values() for note in each.notes]
    notes += repeats
    notes += _held_notes(rules.hold_out, held_out, int(held.sum()))
    return Log(
        training, users, items, held_out, tuple(found), tuple(notes), tuple(broken), tuple(lacking)
    )


def _require_one_time(found: dict[Path, Rows]) -> None:
    kinds = {rows.dates: file for file, rows in found.items()}
    if len(kinds) > 1:
        raise DataError(
            f"{kinds[True].name} has dates as its time and {kinds[False].name} numbers: expected "
            "the same in all tables"
        )


def _numbered(columns: Sequence[pa.Array]) -> tuple[np.ndarray, np.ndarray]:
    """The different names, sorted, and the number of each row's."""
    coded = pc.dictionary_encode(pa.chunked_array(columns).combine_chunks())
    names = coded.dictionary.to_numpy(zero_copy_only=False).astype(str)
    order = np.argsort(names, kind="stable")
    number = np.empty(len(order), np.int64)
    number[order] = np.arange(len(order))
    return names[order], number[coded.indices.to_numpy()]


def _first_of_each(rows: _Pairs, items: int) -> _Pairs:
    """Each pair once, sorted: the earliest row, and of equal times the one for training."""
    key = rows.user * items + rows.item
    # Marked rows last: what is both in training and in test would otherwise leave training.
    order = np.lexsort((rows.time, rows.test, key))
    first = np.flatnonzero(np.diff(key[order], prepend=-1))
    kept = order[first]
    return _Pairs(*(getattr(rows, name)[kept] for name in ("user", "item", "time", "test")))


def _split(
    pairs: _Pairs, held: np.ndarray, users: np.ndarray, items: np.ndarray
) -> tuple[Interactions, np.ndarray, np.ndarray, np.ndarray]:
    """The training, the names of its users and items, and the held-out pairs of these (2, H)."""
    kept = ~held
    if not kept.any():
        raise DataError("reader.hold_out: every interaction is held out, nothing is left to train")
    of_user, user = np.unique(pairs.user[kept], return_inverse=True)
    of_item, item = np.unique(pairs.item[kept], return_inverse=True)
    users, items = users[of_user], items[of_item]
    training = Interactions(user, item, len(users), len(items), _digest(users, items, user, item))
    places = [
        np.searchsorted(known, own[held]).clip(max=len(known) - 1)
        for known, own in ((of_user, pairs.user), (of_item, pairs.item))
    ]
    known = (of_user[places[0]] == pairs.user[held]) & (of_item[places[1]] == pairs.item[held])
    return training, users, items, np.stack(places)[:, known]


def _digest(users: np.ndarray, items: np.ndarray, user: np.ndarray, item: np.ndarray) -> str:
    digest = hashlib.sha256()
    for names in (users, items):
        digest.update("\x1f".join(names.tolist()).encode() + b"\x1e")
    for numbers in (user, item):
        digest.update(numbers.astype("<i8").tobytes())
    return digest.hexdigest()


def _repeats(rows: _Pairs, pairs: _Pairs, items: int) -> Iterator[str]:
    if len(rows) > len(pairs):
        yield f"{counted(len(rows) - len(pairs), 'row')} of a pair that stands before, merged."
    tested = np.unique((rows.user * items + rows.item)[rows.test])
    both = len(tested) - int(pairs.test.sum())
    if both:
        yield f"{counted(both, 'pair')} marked both train and test, taken as training."


def _held_notes(rules: HoldOut, held_out: np.ndarray, count: int) -> Iterator[str]:
    if count:
        users = len(np.unique(held_out[0]))
        yield (
            f"{counted(held_out.shape[1], 'interaction')} of {counted(users, 'user')} held out of "
            f"training (reader.hold_out.by {rules.by})."
        )
    if gone := count - held_out.shape[1]:
        yield (
            f"{counted(gone, 'interaction')} held out, but of users or items without any in "
            "training, left out."
        )
