"""Splits of items into training and test; no group is on both sides."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from sklearn.model_selection import GroupKFold, KFold

from unlabeled.errors import DataError

INNER_FOLDS = 3


@dataclass(frozen=True, slots=True)
class Split:
    """Positions of the items that train and of those that test; both (n,) int64."""

    train: np.ndarray
    test: np.ndarray


def splits_of(
    table: pa.Table, groups: np.ndarray, folds: int, unit: str = "items"
) -> tuple[list[Split], str]:
    """The folds of a labels table, else its split, else folds by group; and which, in words.

    table: N rows; groups: (N,); unit: what a row is about. Raises DataError.
    """
    if "fold" in table.column_names:
        splits = by_fold(_names(table, "fold"))
        return splits, f"the {len(splits)} folds of the labels, each left out in turn"
    if "split" in table.column_names:
        splits = by_split(_names(table, "split"))
        sizes = f"{len(splits[0].train)} {unit} train, {len(splits[0].test)} test"
        return splits, f"the split of the labels: {sizes}"
    splits = leave_groups_out(groups, folds)
    return splits, f"{len(splits)} folds by group, each left out in turn"


def _names(table: pa.Table, column: str) -> np.ndarray:
    return np.array([str(name) for name in table[column].to_pylist()])


def leave_groups_out(groups: np.ndarray, folds: int) -> list[Split]:
    """Cut the items into folds of whole groups, of about equal size; each is tested once.

    groups: (N,). Depends on nothing but `groups`; with fewer groups than `folds`, one fold each.
    Raises DataError if there is only one group.
    """
    distinct = len(np.unique(groups))
    if distinct < 2:
        raise DataError(
            f"all {len(groups)} labelled items are of one group ({str(groups[0])!r}), so no group "
            "can be left out. Give the labels a group, fold or split column."
        )
    parts = GroupKFold(min(folds, distinct)).split(groups, groups=groups)
    return [Split(train, test) for train, test in parts]


def by_fold(fold: np.ndarray) -> list[Split]:
    """Leave out each value of a given `fold` column (N,) in turn."""
    names = np.unique(fold)
    if len(names) < 2:
        raise DataError(f"the fold column holds only {str(names[0])!r}: expected two folds or more")
    return [Split(np.flatnonzero(fold != name), np.flatnonzero(fold == name)) for name in names]


def by_split(split: np.ndarray) -> list[Split]:
    """Train on the items that a given `split` column (N,) calls "train", test on "test".

    Items of other parts ("valid" …) take no part. Raises DataError if either is empty.
    """
    found = Split(np.flatnonzero(split == "train"), np.flatnonzero(split == "test"))
    if not (len(found.train) and len(found.test)):
        raise DataError(
            f"the split column holds {', '.join(map(repr, np.unique(split).tolist()))}: "
            'expected both "train" and "test"'
        )
    return [found]


def inner_folds(groups: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Folds of the training items alone, to choose hyper-parameters by; by group.

    groups: (N,). Returns positions (n,) to fit on and (m,) to judge on, per fold. Where all
    training items are of one group there is no group to leave out, and items are.
    """
    distinct = len(np.unique(groups))
    if distinct > 1:
        return list(GroupKFold(min(INNER_FOLDS, distinct)).split(groups, groups=groups))
    # Of a single group items are left out, and scores are optimistic; without it nothing could be
    # chosen.
    return list(KFold(min(INNER_FOLDS, len(groups)), shuffle=True, random_state=0).split(groups))
