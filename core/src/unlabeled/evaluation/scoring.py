"""Every score of all entries, with intervals from one paired bootstrap over groups."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from unlabeled.contract import Assessed, Score
from unlabeled.errors import DataError
from unlabeled.evaluation.assessing import Entry, Shared, key_of
from unlabeled.evaluation.bootstrap import Interval, interval, resamples_of
from unlabeled.evaluation.result import Row, ScoreTable, compare


def score_all(entries: Sequence[Entry], shared: Shared, name: str) -> list[ScoreTable]:
    """One table for each score of the pretrained, the headline first.

    The first comparison is with the mean of the random ones. name: of the assessment. Raises
    DataError where the headline is undefined for the pretrained.
    """
    scores = entries[0].assessed[0].scores
    flat = [assessed for entry in entries for assessed in entry.assessed]
    scorers = [_scorers(assessed, scores) for assessed in flat]

    def at(positions: np.ndarray) -> list[list[float]]:
        # One array object for all scores of a subject: some cache their result for it.
        own = (places[positions] for places in shared.places)
        return [
            [s.of(p) if s else np.nan for s in each] for each, p in zip(scorers, own, strict=True)
        ]

    whole = np.array(at(np.arange(len(shared.groups))))  # (flat, scores)
    if np.isnan(whole[0, 0]):
        raise DataError(
            f"assessment {name}: {scores[0].metric} is undefined over all that was tested"
        )
    drawn = np.array([at(positions) for positions in resamples_of(shared.groups)])
    return [_table(entries, score, whole[:, n], drawn[..., n]) for n, score in enumerate(scores)]


def _scorers(assessed: Assessed, wanted: Sequence[Score]) -> list[Score | None]:
    own = {key_of(score): score for score in assessed.scores}
    return [own.get(key_of(score)) for score in wanted]


def _table(
    entries: Sequence[Entry], score: Score, values: np.ndarray, drawn: np.ndarray
) -> ScoreTable:
    """values: (flat,), drawn: (resamples, flat) of one score."""
    rows, samples, start = [], [], 0
    for entry in entries:
        own = slice(start, start := start + len(entry.assessed))
        samples.append(_over_encoders(drawn[:, own]))
        rows.append(_row(entry, values[own], samples[-1]))
    sign = 1 if score.higher_is_better else -1
    added, together = None, None
    if alone := entries[-1].added_to:
        combined, with_both = rows.pop(), samples.pop()
        place = [row.name for row in rows].index(alone)
        difference = _difference(combined.score, rows[place].score, sign)
        added = compare(alone, difference, _interval(sign * (with_both - samples[place])))
        together = combined.score
    pretrained, *others = rows
    comparisons = [
        compare(
            other.name,
            _difference(pretrained.score, other.score, sign),
            # Sample by sample before any quantile: the interval of a difference is not the
            # difference of intervals, as the same easy and hard groups are drawn for both.
            _interval(sign * (samples[0] - sample)),
        )
        for other, sample in zip(others, samples[1:], strict=True)
    ]
    return ScoreTable(
        metric=score.metric,
        higher_is_better=score.higher_is_better,
        unit=score.unit,
        at=dict(score.at),
        rows=tuple(rows),
        comparisons=tuple(comparisons),
        outcome=comparisons[0].outcome,
        added=added,
        together=together,
    )


def _row(entry: Entry, values: np.ndarray, samples: np.ndarray) -> Row:
    many = len(values) > 1
    return Row(
        name=entry.name,
        kind="baseline" if entry.kind == "combined" else entry.kind,
        width=entry.assessed[0].width,
        score=_defined(_over_encoders(values[None])[0]),
        interval=_interval(samples),
        sd=_spread(values[~np.isnan(values)]) if many else None,
        scores=tuple(map(_defined, values)) if many else (),
    )


def _over_encoders(values: np.ndarray) -> np.ndarray:
    """The mean (R,) over encoders of (R, E), without those for which the score is undefined: a row
    says how many these are. NaN where it is undefined for all."""
    known = ~np.isnan(values)
    total = np.where(known, values, 0).sum(1)
    return np.where(known.any(1), total / np.maximum(known.sum(1), 1), np.nan)


def _spread(values: np.ndarray) -> float | None:
    return float(values.std(ddof=1)) if len(values) > 1 else None


def _difference(pretrained: float | None, other: float | None, sign: int) -> float | None:
    return None if pretrained is None or other is None else sign * (pretrained - other)


def _interval(samples: np.ndarray) -> Interval | None:
    """None where the score is undefined on every resample."""
    return None if np.isnan(samples).all() else interval(samples)


def _defined(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
