"""Score all contestants on one study, with paired intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from unlabeled.errors import DataError
from unlabeled.evaluation.bootstrap import interval, resample_scores
from unlabeled.evaluation.candidates import Contestants
from unlabeled.evaluation.probing import Predictions
from unlabeled.evaluation.protocol import Study
from unlabeled.evaluation.result import Comparison, Row, compare
from unlabeled.progress import progress


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the table: one embedding, or several whose scores are averaged."""

    name: str
    kind: Literal["pretrained", "random", "features"]
    embeddings: tuple[np.ndarray, ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """An entry's embeddings after the probe.

    predictions: of each embedding, for each target; score: of the entry; sd: between its
    embeddings; samples: (resamples,) the score of the entry on each resample of groups.
    """

    entry: Entry
    predictions: Sequence[Sequence[Predictions]]
    scores: np.ndarray
    samples: np.ndarray

    @property
    def score(self) -> float:
        return float(self.scores.mean())


def judge(study: Study, found: Contestants) -> tuple[list[Row], list[Comparison]]:
    """The rows of the table, and the pretrained encoder (or their mean) against each of the others.

    The first comparison is with the mean of the random encoders. Raises DataError where the
    metric is undefined.
    """
    entries = [
        Entry(_name_of(found.pretrained), "pretrained", found.pretrained),
        Entry(f"{len(found.random)} random encoders (mean)", "random", found.random),
        *(Entry(name, "features", (values,)) for name, values in found.features.items()),
    ]
    judged = _judge(study, entries)
    pretrained, *others = judged
    comparisons = [
        compare(
            other.entry.name,
            pretrained.score - other.score,
            interval(pretrained.samples - other.samples),
        )
        for other in others
    ]
    return [_row(study, each) for each in judged], comparisons


def _name_of(pretrained: Sequence[np.ndarray]) -> str:
    return "pretrained" if len(pretrained) == 1 else f"{len(pretrained)} pretrained (mean)"


def _judge(study: Study, entries: Sequence[Entry]) -> list[Judged]:
    tested = study.tested
    flat = [embedding for entry in entries for embedding in entry.embeddings]
    predictions = []
    with progress("probing", len(flat), "embeddings") as advance:
        for embedding in flat:
            predictions.append(study.predict(embedding))
            advance(1)
    _require_defined(study, predictions[0], tested)
    scores = np.array([study.score(each, tested) for each in predictions])
    on_resample = [_scorer(study, each, tested) for each in predictions]
    samples = resample_scores(study.groups[tested], on_resample)
    judged, start = [], 0
    for entry in entries:
        own = slice(start, start := start + len(entry.embeddings))
        judged.append(Judged(entry, predictions[own], scores[own], samples[:, own].mean(1)))
    return judged


def _scorer(
    study: Study, predictions: Sequence[Predictions], tested: np.ndarray
) -> Callable[[np.ndarray], float]:
    """The score of a resample, whose positions count within the tested items."""
    return lambda positions: study.score(predictions, tested[positions])


def _require_defined(study: Study, predictions: Sequence[Predictions], tested: np.ndarray) -> None:
    for each in predictions:
        if np.isnan(each.score(study.probe, tested)):
            raise DataError(
                f"target {each.target.name!r}: {study.probe.metric} is undefined, as the tested "
                "items have no labels or only one value. Leave the target out, or use other folds."
            )


def _row(study: Study, judged: Judged) -> Row:
    entry, many = judged.entry, len(judged.scores) > 1
    by_target = {
        target.name: float(
            np.mean([each[t].score(study.probe, study.tested) for each in judged.predictions])
        )
        for t, target in enumerate(study.targets)
    }
    return Row(
        name=entry.name,
        kind=entry.kind,
        width=entry.embeddings[0].shape[1],
        score=judged.score,
        interval=interval(judged.samples),
        targets=by_target,
        sd=float(judged.scores.std(ddof=1)) if many else None,
        scores=tuple(judged.scores.tolist()) if many else (),
    )
