"""What predictions say class by class: recall, precision, AUC, confusion, calibration."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from unlabeled.evaluation.bootstrap import Interval, interval, resamples_of
from unlabeled.probes import metrics
from unlabeled.report.predictions import Target

RESAMPLES = 200
BINS = 10
MOST_CLASSES = 12
"""Classes of the confusion matrix; of more the commonest."""
MOST_CUTS, MOST_VALUES = 4, 12
FEWEST = 5


@dataclass(frozen=True, slots=True)
class OfClass:
    """recall, precision: NaN where undefined; auc: against all others, with its interval."""

    name: str
    count: int
    recall: float
    precision: float
    auc: float
    interval: Interval | None


@dataclass(frozen=True, slots=True)
class Calibration:
    """points: (confidence, accuracy, items) of each bin that has items; error: the expected
    calibration error (Guo et al. 2017, arXiv:1706.04599)."""

    points: tuple[tuple[float, float, int], ...]
    error: float


@dataclass(frozen=True, slots=True)
class OfValue:
    """The score of the units that have one value of a column."""

    value: str
    count: int
    groups: int
    score: float
    interval: Interval | None


def by_class(target: Target) -> list[OfClass]:
    """The commonest classes first."""
    predicted = target.scores.argmax(1)
    counts = np.bincount(target.truth, minlength=len(target.classes))
    return [
        _of_class(target, predicted, number)
        for number in np.argsort(-counts, kind="stable").tolist()
        if counts[number]
    ]


def _of_class(target: Target, predicted: np.ndarray, number: int) -> OfClass:
    own, chosen = target.truth == number, predicted == number
    right = (own & chosen).sum()

    def auc(at: np.ndarray) -> float:
        pair = target.scores[at][:, [number]]
        return metrics.roc_auc(own[at].astype(int), np.hstack([-pair, pair]))

    return OfClass(
        target.classes[number],
        int(own.sum()),
        float(right / own.sum()),
        float(right / chosen.sum()) if chosen.any() else float("nan"),
        auc(np.arange(len(own))),
        _interval(target.groups, auc),
    )


def confusion(target: Target) -> tuple[list[str], np.ndarray]:
    """Names of the C classes and counts (C, C), rows are the truth; of many classes the commonest,
    then all others together."""
    predicted = target.scores.argmax(1)
    count = len(target.classes)
    found = np.zeros((count, count), int)
    np.add.at(found, (target.truth, predicted), 1)
    if count <= MOST_CLASSES:
        return list(target.classes), found
    order = np.argsort(-found.sum(1), kind="stable")
    kept, rest = order[:MOST_CLASSES], order[MOST_CLASSES:]
    join = np.zeros((MOST_CLASSES + 1, count), int)
    join[np.arange(MOST_CLASSES), kept] = 1
    join[-1, rest] = 1
    names = [target.classes[n] for n in kept] + [f"{len(rest)} others"]
    return names, join @ found @ join.T


def calibration(target: Target) -> Calibration | None:
    """Of the highest score of each unit; None where scores are no probabilities."""
    scores = target.scores
    if (scores < -1e-6).any() or (np.abs(scores.sum(1) - 1) > 1e-3).any():
        return None
    sure, right = scores.max(1), scores.argmax(1) == target.truth
    bins = np.minimum((sure * BINS).astype(int), BINS - 1)
    points = tuple(
        (float(sure[bins == n].mean()), float(right[bins == n].mean()), int((bins == n).sum()))
        for n in range(BINS)
        if (bins == n).any()
    )
    gaps = sum(abs(confidence - accuracy) * count for confidence, accuracy, count in points)
    return Calibration(points, gaps / len(sure))


def score_of(target: Target) -> tuple[str, Callable[[np.ndarray], float]]:
    """What groups are compared by: accuracy, or the mean absolute error of a quantity; of units at
    positions (n,)."""
    if target.classes:
        right = target.scores.argmax(1) == target.truth
        return "accuracy", lambda at: float(right[at].mean())
    wrong = target.wrong
    return "mean absolute error", lambda at: float(wrong[at].mean())


def cuts(target: Target) -> Iterator[tuple[str, list[OfValue]]]:
    """The score for every value of the group and of other columns, the lowest first.

    A column with a value for each unit, or with one value, is none.
    """
    shown = 0
    for name, values in {"group": target.groups, **target.cuts}.items():
        names, counts = np.unique(values, return_counts=True)
        large = [each for each, count in zip(names, counts, strict=True) if count >= FEWEST]
        if shown == MOST_CUTS or len(large) < 2 or len(names) > len(values) / 2:
            continue
        shown += 1
        order = np.argsort(-counts, kind="stable")[:MOST_VALUES]
        kept = [names[n] for n in order if counts[n] >= FEWEST]
        found = [_of_value(target, values == each, str(each)) for each in kept]
        yield name, sorted(found, key=lambda each: each.score)


def _of_value(target: Target, own: np.ndarray, value: str) -> OfValue:
    places = np.flatnonzero(own)
    _, score = score_of(target)
    groups = target.groups[places]
    many = len(np.unique(groups))
    # Of one group alone items are resampled: the interval says nothing about other groups.
    units = groups if many > 1 else np.arange(len(places))
    span = _interval(units, lambda at: score(places[at]))
    return OfValue(value or "no value", len(places), many, score(places), span)


def _interval(groups: np.ndarray, score: Callable[[np.ndarray], float]) -> Interval | None:
    drawn = np.array([score(at) for at in resamples_of(groups, resamples=RESAMPLES)])
    return None if np.isnan(drawn).all() else interval(drawn)
