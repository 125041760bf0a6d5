"""Detection: which labels does each segment of an item have, from the tokens that lie in it?

    unlabeled evaluate RUN DATA --labels events.csv --target species --assess detection

The labels are stretches of items (`start` and `end`, in the unit of the tokens' positions: s, mm).
Every item that has one is cut into segments of equal length. A segment has the labels of the
stretches that overlap it, and none where no stretch does: the items must be labelled throughout.
The probe of single stretches (`--assess probe`) needs no such thing: it classifies the labelled
stretches alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from pydantic import Field

from unlabeled.contract import (
    Assessed,
    Assessment,
    Evaluator,
    LabelledItems,
    Score,
    Source,
    Subject,
)
from unlabeled.data.targets import ABSENT, PRESENT, Target
from unlabeled.errors import DataError, UsageError
from unlabeled.evaluation.labelling import GivenLabels
from unlabeled.evaluation.probing import Predictions, predict
from unlabeled.evaluation.seen_labels import nothing_left
from unlabeled.evaluation.segments import Stretches
from unlabeled.probes.segment_scores import SegmentScores
from unlabeled.probes.splits import Split, by_fold, by_split, leave_groups_out
from unlabeled.recipe import read_choice

PROBE = {"name": "logistic", "metric": "average_precision"}


class Detection(Assessment):
    """Mean average precision over labels, micro-averaged F1 at 0.5, and each label's precision."""

    length: float = Field(1.0, gt=0, description="of a segment, in the positions' unit (s, mm)")
    probe: dict[str, Any] = Field(
        PROBE, description="of each label, {name: logistic, **settings}; for classes"
    )
    folds: int = Field(5, ge=2, description="folds by group, where the labels give no split")

    def assess(
        self,
        subject: Subject,
        source: Source,
        labels: LabelledItems | None,
        rng: np.random.Generator,  # noqa: ARG002
    ) -> Assessed | None:
        assert isinstance(labels, GivenLabels)
        events = _events(labels)
        probe: Evaluator = read_choice("evaluators", self.probe, "evaluation.assess").settings  # type: ignore[assignment]
        if subject.encoder is None:
            return None
        segments = self._segments(subject, source, labels, events)
        splits, described = _splits(segments, self.folds)
        splits = _testable(segments, splits, labels)
        names = _judged(segments, splits, events)
        found = [
            predict(probe, segments.values, _target(segments, name), segments.groups, splits)
            for name in names
        ]
        tested = np.unique(np.concatenate([split.test for split in splits]))
        return Assessed(
            segments.units[tested],
            segments.groups[tested],
            _scores(names, found, tested),
            about={
                "segments": f"{len(segments.units)} of {self.length:g} each, of "
                f"{len(set(segments.items.tolist()))} items",
                "probe of each label": self.probe["name"],
                "splits": described,
            },
            notes=_notes(events, names),
            width=segments.values.shape[1],
        )

    def _segments(
        self, subject: Subject, source: Source, labels: GivenLabels, events: Events
    ) -> Segments:
        """Of all items with labels, in the order of the index. Raises DataError."""
        parts: list[Segments] = []
        for batch, samples in source.batches(np.unique(labels.rows).tolist(), subject.batch_size):
            pieces = subject.encode(samples, "tokens") or []
            for row, piece in zip(batch, pieces, strict=True):
                if piece.present and len(piece.values):
                    own = np.flatnonzero(labels.rows == row)
                    bounds = _cut(piece.position, self.length, source.items[row].id)
                    values = Stretches(bounds).of(piece, slice(None), source.items[row].id)
                    parts.append(_of_item(row, bounds, values, labels, events, own))
        if not parts:
            raise DataError("none of the labelled items can be cut into segments")
        return _joined(sorted(parts, key=lambda part: int(part.items[0])))


@dataclass(frozen=True, slots=True)
class Events:
    """N stretches. bounds: (N, 2); names: the labels of each; every: all of them, sorted."""

    bounds: np.ndarray
    names: tuple[frozenset[str], ...]
    every: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Segments:
    """S segments. units: (S,) texts; items: (S,) rows of the index; groups, parts: (S,) of their
    items, the latter their fold or split; values: (S, D); has: the labels of each; testable: (S,).
    """

    units: np.ndarray
    items: np.ndarray
    groups: np.ndarray
    parts: np.ndarray
    values: np.ndarray
    has: tuple[frozenset[str], ...]
    testable: np.ndarray


def _events(labels: GivenLabels) -> Events:
    """Raises UsageError unless the labels are about stretches, DataError where there are none."""
    parts = labels.labelled.parts
    if not isinstance(parts, Stretches):
        raise UsageError(
            "--assess detection: expected labels of stretches, with the columns start and end; "
            f"found labels of {labels.unit}"
        )
    if len(labels.targets) > 1:
        raise UsageError(f"--target: detection takes one, found {', '.join(labels.targets)}")
    values = labels.table[labels.targets[0]].to_pylist()
    names = tuple(
        frozenset(map(str, value if isinstance(value, list) else [value]))
        if value is not None
        else frozenset[str]()
        for value in values
    )
    every = tuple(sorted(frozenset[str]().union(*names)))
    if not every:
        raise DataError(f"target {labels.targets[0]!r}: no stretch has a label")
    return Events(parts.bounds, names, every)


def _cut(position: np.ndarray | None, length: float, item: str) -> np.ndarray:
    """(S, 2) bounds of the segments of an item, up to its last token."""
    if position is None or position.shape[1] != 1:
        raise DataError(
            f"{item!r}: segments need tokens along one axis; choose with --evaluation.output"
        )
    count = int(position[-1, 0] // length) + 1
    starts = np.arange(count) * length
    return np.stack([starts, starts + length], axis=1)


def _of_item(
    row: int,
    bounds: np.ndarray,
    values: np.ndarray,
    labels: GivenLabels,
    events: Events,
    own: np.ndarray,
) -> Segments:
    """bounds: (S, 2); values: (S, D); own: (n,) places of the item's labels."""
    overlaps = (events.bounds[own, 0] < bounds[:, 1:]) & (events.bounds[own, 1] > bounds[:, :1])
    has = tuple(
        frozenset[str]().union(*(events.names[place] for place in own[each])) for each in overlaps
    )
    first, count = int(own[0]), len(bounds)
    column = next((n for n in ("fold", "split") if n in labels.table.column_names), None)
    part = str(labels.table[column][first].as_py()) if column else ""
    return Segments(
        units=np.array([f"{row}:{number}" for number in range(count)]),
        items=np.full(count, row),
        groups=np.full(count, labels.groups[first], dtype=labels.groups.dtype),
        parts=np.array([f"{column} {part}" if column else ""] * count),
        values=values,
        has=has,
        testable=np.full(count, labels.testable[own].all()),
    )


def _joined(parts: Sequence[Segments]) -> Segments:
    arrays = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in ("units", "items", "groups", "parts", "values", "testable")
    }
    return Segments(**arrays, has=tuple(each for part in parts for each in part.has))


def _splits(segments: Segments, folds: int) -> tuple[list[Split], str]:
    """The given folds, else the given split, else folds by group, and which; whole items on
    either side."""
    kind, _, _ = str(segments.parts[0]).partition(" ")
    names = np.array([str(part).partition(" ")[2] for part in segments.parts])
    if kind == "split":
        return by_split(names), "the split of the labels"
    by_labels = kind == "fold"
    splits = by_fold(names) if by_labels else leave_groups_out(segments.groups, folds)
    which = "folds of the labels" if by_labels else "folds by group"
    return splits, f"{len(splits)} {which}, each left out in turn"


def _testable(segments: Segments, splits: list[Split], labels: GivenLabels) -> list[Split]:
    kept = [Split(split.train, split.test[segments.testable[split.test]]) for split in splits]
    kept = [split for split in kept if len(split.test)]
    if not kept:
        raise nothing_left(labels.groups[~labels.testable], "segments")
    return kept


def _target(segments: Segments, name: str) -> Target:
    values = np.array([name in has for has in segments.has], np.int64)
    return Target(name, values, np.ones(len(values), bool), (ABSENT, PRESENT), name)


def _judged(segments: Segments, splits: Sequence[Split], events: Events) -> list[str]:
    """The labels that every split can train, and that are tested. Raises DataError."""
    tested = np.concatenate([split.test for split in splits])

    def judgeable(name: str) -> bool:
        values = _target(segments, name).values
        return all(
            len(np.unique(values[part])) == 2 for part in [s.train for s in splits]
        ) and bool(values[tested].any())

    names = [name for name in events.every if judgeable(name)]
    if not names:
        raise DataError(
            f"none of {len(events.every)} labels is both present and absent in what every part "
            "trains on, and tested. Use fewer folds, more labels, or shorter segments."
        )
    return names


def _scores(
    names: Sequence[str], found: Sequence[Predictions], tested: np.ndarray
) -> tuple[Score, ...]:
    truth = np.stack([each.target.values[tested] == 1 for each in found], axis=1)
    predicted = np.stack([each.predicted[tested, 1] for each in found], axis=1)
    scores = SegmentScores(truth, predicted)
    each = (
        Score("AP", partial(scores.precision, place), at={"label": name})
        for place, name in enumerate(names)
    )
    return Score("mAP", scores.mean_precision), Score("F1", scores.f1), *each


def _notes(events: Events, judged: Sequence[str]) -> tuple[str, ...]:
    notes = ["Where no stretch lies an item counts as having no label."]
    rare = [name for name in events.every if name not in judged]
    if rare:
        shown = f"{', '.join(rare[:5])}{' …' if len(rare) > 5 else ''}"
        notes.append(
            f"{len(rare)} of {len(events.every)} labels stand in too few groups to be trained and "
            f"tested ({shown})."
        )
    return tuple(notes)
