"""Groups that had labels in training are never tested on, whatever is assessed.

A method repeats labels that it has memorised, so on those groups even random labels would look like
a win. A probe may be trained on them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from unlabeled.contract import Assessed
from unlabeled.data.items import Items
from unlabeled.errors import DataError
from unlabeled.labelled import Labelled, had_labels


@dataclass(frozen=True, slots=True)
class Seen:
    """The groups and contents that had labels in the evaluated runs."""

    runs: tuple[Labelled, ...] = ()

    def had_labels(self, items: Items, rows: np.ndarray, groups: np.ndarray) -> np.ndarray:
        """Which groups had labels, (N,) bool. rows: (N,) of `items`; groups: (N,) names."""
        had = np.array(had_labels(self.runs, items, rows.tolist()), dtype=bool)
        names = set().union(*(each.groups for each in self.runs))
        had |= np.array([name in names for name in groups.tolist()], dtype=bool)
        return np.isin(groups, groups[had])

    def names(self, items: Items) -> frozenset[str]:
        """The groups of the index that had labels, with their names in training."""
        known = frozenset[str]().union(*(each.groups for each in self.runs))
        if all(each == Labelled() for each in self.runs):
            return known
        had = self.had_labels(items, np.arange(len(items)), items.groups)
        return known | frozenset(items.groups[had].tolist())


def without(assessed: Assessed, groups: frozenset[str], unit: str) -> Assessed:
    """The tested units without labelled groups. Raises DataError if none is left."""
    left = np.array([name not in groups for name in assessed.groups.tolist()], dtype=bool)
    if left.all():
        return assessed
    if not left.any():
        raise nothing_left(assessed.groups, unit)
    return taken(assessed, np.flatnonzero(left))


def nothing_left(groups: np.ndarray, unit: str) -> DataError:
    """groups: (n,) of all that could be tested."""
    return DataError(
        f"all {unit} that could be tested are of groups that had labels in training "
        f"({len(groups)} {unit} of {len(set(groups.tolist()))} groups), so no score would mean "
        "anything. Evaluate on other groups, or train with labels of fewer."
    )


def taken(assessed: Assessed, places: np.ndarray) -> Assessed:
    """The units at positions (n,), and the same scores over them."""
    scores = tuple(replace(score, of=_within(score.of, places)) for score in assessed.scores)
    predicted = tuple(
        replace(
            each,
            truth=each.truth[places],
            predicted=each.predicted[places],
            known=each.known[places],
        )
        for each in assessed.predicted
    )
    return replace(
        assessed,
        units=assessed.units[places],
        groups=assessed.groups[places],
        scores=scores,
        predicted=predicted,
    )


def _within(of: Callable[[np.ndarray], float], places: np.ndarray) -> Callable[[np.ndarray], float]:
    return lambda positions: of(places[positions])
