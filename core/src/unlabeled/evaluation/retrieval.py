"""Retrieval: do items find others of the same label among their nearest neighbours?

    unlabeled evaluate RUN DATA --labels labels.csv --target species --assess retrieval

Nothing is fitted. Items of the query's own group are not looked at: near-copies of one patient or
recording are found by any encoder, and say nothing about the label.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from pydantic import Field

from unlabeled.contract import Assessed, Assessment, LabelledItems, Score, Source, Subject
from unlabeled.errors import DataError, UsageError
from unlabeled.evaluation.probing import impute
from unlabeled.evaluation.seen_labels import nothing_left
from unlabeled.probes.retrieval import Pairs, Ranks, classes_in_common, rank

BLOCK = 512
"""Queries that are looked at at once to see what they could find."""


class Retrieval(Assessment):
    """Mean average precision, mean reciprocal rank, and recall at k, by cosine similarity."""

    nearest: tuple[int, ...] = Field((1, 5, 10), min_length=1, description="each k of recall at k")
    leave_out: Literal["group", "item"] = Field(
        "group",
        description="what a query does not look at: its own group, or (where the target itself is "
        "a group) itself alone",
    )

    def assess(
        self,
        subject: Subject,
        source: Source,  # noqa: ARG002
        labels: LabelledItems | None,
        rng: np.random.Generator,
    ) -> Assessed | None:
        assert labels is not None
        named = _named(labels)
        found = subject.embed(labels)
        if found is None:
            return None
        kept = np.array([bool(named[place]) for place in found.places.tolist()])
        places, values = found.places[kept], found.values[kept]
        right = classes_in_common([named[place] for place in places.tolist()])
        hidden = self._hidden(labels.groups[places])
        queries = _queries(right, hidden, len(places))
        tested = queries[labels.testable[places[queries]]]
        if not len(tested):
            raise self._nothing(labels, places[queries])
        values = impute(values, values)[0]
        ranks = rank(
            values[tested],
            values,
            lambda rows: right(tested[rows]),
            lambda rows: hidden(tested[rows]),
            rng,
        )
        return Assessed(
            places[tested],
            labels.groups[places[tested]],
            scores_of(ranks, self.nearest),
            about={"gallery": f"{len(places)} {labels.unit}, without the query's {self.leave_out}"},
            notes=_notes(labels, len(found.places), len(places), len(queries)),
            width=values.shape[1],
        )

    def _hidden(self, groups: np.ndarray) -> Pairs:
        numbers = np.arange(len(groups))
        if self.leave_out == "group":
            numbers = np.unique(groups, return_inverse=True)[1]
        return lambda rows: numbers[rows][:, None] == numbers

    def _nothing(self, labels: LabelledItems, queries: np.ndarray) -> DataError:
        if len(queries):
            return nothing_left(labels.groups[queries], labels.unit)
        others = "of other groups" if self.leave_out == "group" else "beside itself"
        return DataError(
            f"target {labels.targets[0]!r}: none of the {labels.unit} shares its label with one "
            f"{others}. Where the label is the group, set --evaluation.assess.leave_out item."
        )


def scores_of(ranks: Ranks, nearest: Sequence[int]) -> tuple[Score, ...]:
    """Average precision first, then reciprocal rank and recall at each k; means over queries."""
    recalls = (
        Score.mean("recall", ranks.recall(k), at={"nearest": k}) for k in sorted(set(nearest))
    )
    return (
        Score.mean("mAP", ranks.precision),
        Score.mean("MRR", 1 / ranks.first),
        *recalls,
    )


def _named(labels: LabelledItems) -> list[frozenset[str]]:
    """The labels of each row; of none where it is unknown. Raises UsageError, DataError."""
    if len(labels.targets) > 1:
        raise UsageError(f"--target: retrieval takes one, found {', '.join(labels.targets)}")
    [target] = labels.targets
    found = [_as_set(value) for value in labels.table[target].to_pylist()]
    some = [each for each in found if each]
    if len(set().union(*some)) == sum(map(len, some)):
        raise DataError(
            f"target {target!r}: expected labels that several {labels.unit} share, found another "
            f"one for each of {len(some)}"
        )
    return found


def _as_set(value: Any) -> frozenset[str]:
    if isinstance(value, list):
        return frozenset(map(str, value))
    return frozenset() if value is None else frozenset([str(value)])


def _queries(right: Pairs, hidden: Pairs, count: int) -> np.ndarray:
    """Positions (q,) of those that have something to find."""
    blocks = np.split(np.arange(count), range(BLOCK, count, BLOCK))
    some = [(right(rows) & ~hidden(rows)).any(axis=1) for rows in blocks]
    return np.flatnonzero(np.concatenate(some))


def _notes(labels: LabelledItems, read: int, known: int, queries: int) -> tuple[str, ...]:
    notes = []
    if read > known:
        notes.append(
            f"{read - known} of {read} {labels.unit} have no value of {labels.targets[0]} and take "
            "no part."
        )
    if known > queries:
        notes.append(
            f"{known - queries} of {known} {labels.unit} share their label with none that a query "
            "looks at: they can be found, and are no queries."
        )
    return tuple(notes)
