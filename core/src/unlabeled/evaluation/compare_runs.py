"""Compare runs with each other, of any recipes: all pairs, on the same labels and resamples.

Runs that differ by their seed alone are one candidate, whose score is their mean. Intervals are
simultaneous over all pairs (the single-step maximum of studentised differences; Westfall and Young
1993, Resampling-Based Multiple Testing, chapter 2): with 95 % probability all of them hold.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from unlabeled.contract import Assessed, Assessment, Score
from unlabeled.data.quarantine import Limits, Unreadable
from unlabeled.errors import UsageError
from unlabeled.evaluation.assessing import Entry, share
from unlabeled.evaluation.bootstrap import LEVEL, Interval, interval, resample_scores, rough
from unlabeled.evaluation.candidates import Pool
from unlabeled.evaluation.evaluate import given_for, recipe_settings
from unlabeled.evaluation.result import Outcome
from unlabeled.evaluation.seeds import seed_alone
from unlabeled.evaluation.seen_labels import Seen, without
from unlabeled.evaluation.settings import EvaluationSettings
from unlabeled.export.checkpointed import settled
from unlabeled.export.encoder import load_reader, read_config
from unlabeled.inference.reading import open_source, pseudonyms
from unlabeled.labelled import seen_by
from unlabeled.progress import progress
from unlabeled.randomness import keyed_rng
from unlabeled.recipe import Choice, read_choice


@dataclass(frozen=True, slots=True)
class Candidate:
    """One run, or several of one recipe that differ by their seed. score: their mean."""

    name: str
    recipe: str
    runs: tuple[str, ...]
    score: float
    interval: Interval
    scores: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """first − second, turned so that positive is better for the first. interval: holds for all
    pairs at once; p: corrected for their number."""

    first: str
    second: str
    difference: float
    interval: Interval
    p: float
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class ComparedRuns:
    """candidates: the best first; pairs: the better one of each first."""

    metric: str
    higher_is_better: bool
    items: int
    groups: int
    unit: str
    candidates: tuple[Candidate, ...]
    pairs: tuple[Pair, ...]
    notes: tuple[str, ...] = field(default=())

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def compare_runs(
    runs: Sequence[Path | str],
    data: Path | str,
    labels: Path | str | None = None,
    *,
    assess: str | None = None,
    target: Sequence[str] = (),
    settings: EvaluationSettings | None = None,
    unreadable: Unreadable = "skip",
    max_skipped: float = 0.1,
) -> ComparedRuns:
    """Assess every run on the same data, and compare all pairs.

    runs: of at least two recipes; assess, labels, target: as for `evaluate`; settings: the recipe's
    of the first run if None, but each run's own output. What one of the runs had labels of in
    training is tested for none.
    Raises UsageError where runs read other items; else what `evaluate` raises.
    """
    paths, data = [settled(path) for path in runs], Path(data)
    labels = Path(labels) if labels is not None else None
    grouped = _candidates(paths)
    settings = settings or recipe_settings(paths[0])
    if assess:
        settings = settings.model_copy(update={"assess": {"name": assess}})
    choice = read_choice("assessments", settings.assessment(), "evaluation")
    question = Question(
        choice, settings, data, labels, tuple(target), Limits(unreadable, max_skipped)
    )
    seen, entries = Seen(tuple(map(seen_by, paths))), []
    with progress("assessing", len(paths), "runs") as advance:
        for name, own in grouped.items():
            assessed = []
            for path in own:
                assessed.append(question.of(path, seen))
                advance(1)
            entries.append(Entry(name, "pretrained", tuple(assessed)))
    return _compared(entries, grouped, question)


class Question:
    """One question to every run: which assessment, on which data and labels."""

    def __init__(
        self,
        choice: Choice,
        settings: EvaluationSettings,
        data: Path,
        labels: Path | None,
        target: Sequence[str],
        limits: Limits,
    ) -> None:
        self.choice, self.settings, self.data, self.labels = choice, settings, data, labels
        self.target, self.limits = target, limits
        self.items: list[str] = []
        self.unit = "units"
        self.notes: dict[str, None] = {}

    def of(self, path: Path | str, seen: Seen) -> Assessed:
        """What the assessment finds for a run. Raises UsageError if it reads other items."""
        reader, assessment = load_reader(path), self._assessment
        source = open_source(reader, self.data, self.limits)
        self._require_same_items(path, source.items.table["id"].to_pylist())
        hidden = pseudonyms(path, reader, self.data)
        given = given_for(
            assessment, self.choice, self.labels, self.target, source, self.data, hidden, seen
        )
        changes = {"output": recipe_settings(path).output, "random_encoders": 0, "baselines": ()}
        settings = self.settings.model_copy(update=changes)
        pool = Pool((path,), read_config(path), settings, assessment, source, given)
        rng = keyed_rng("assessment", self.choice.name)
        assessed = assessment.assess(pool.pretrained[0], source, given, rng)
        assert assessed is not None  # an encoder is never left out
        forbidden = seen.names(source.items)
        if given:
            self.unit = given.unit
            forbidden |= frozenset(given.groups[~given.testable].tolist())
        of_labels = given.labelled.labels.notes if given else ()
        notes = [*(given.notes if given else ()), *assessed.notes, *of_labels, *pool.notes()]
        self.notes.update(dict.fromkeys(notes))
        return without(assessed, forbidden, self.unit)

    @property
    def _assessment(self) -> Assessment:
        return self.choice.settings  # type: ignore[return-value]

    def _require_same_items(self, path: Path | str, ids: list[str]) -> None:
        self.items = self.items or ids
        if ids != self.items:
            raise UsageError(
                f"{path}: its reader finds other items in {self.data} than that of the first run "
                f"({len(ids)} and {len(self.items)}), so there is nothing to compare them on"
            )


def _compared(
    entries: Sequence[Entry], grouped: Mapping[str, Sequence[Path | str]], question: Question
) -> ComparedRuns:
    shared = share(entries, question.choice.name)
    flat = [assessed.scores[0] for entry in entries for assessed in entry.assessed]
    functions = [_at(score, place) for score, place in zip(flat, shared.places, strict=True)]
    whole = np.array([function(np.arange(len(shared.groups))) for function in functions])
    drawn = resample_scores(shared.groups, functions)
    owner = np.repeat(np.arange(len(entries)), [len(entry.assessed) for entry in entries])
    sign = 1 if flat[0].higher_is_better else -1
    means = np.array([whole[owner == n].mean() for n in range(len(entries))])
    draws = np.stack([drawn[:, owner == n].mean(1) for n in range(len(entries))], axis=1)
    order = np.argsort(-sign * means, kind="stable")
    names, groups = [entries[n].name for n in order], len(set(shared.groups.tolist()))
    candidates = [
        Candidate(
            names[place],
            read_config(grouped[names[place]][0]).provenance.recipe,
            tuple(map(str, grouped[names[place]])),
            float(means[n]),
            interval(draws[:, n]),
            tuple(whole[owner == n].tolist()),
        )
        for place, n in enumerate(order)
    ]
    lost = f"{shared.lost} {question.unit} could not be assessed for everybody and do not count."
    return ComparedRuns(
        flat[0].metric,
        flat[0].higher_is_better,
        len(shared.groups),
        groups,
        question.unit,
        tuple(candidates),
        tuple(pairs(names, sign * means[order], sign * draws[:, order])),
        (*question.notes, *([lost] if shared.lost else []), *rough(groups)),
    )


def _at(score: Score, places: np.ndarray) -> Callable[[np.ndarray], float]:
    return lambda positions: score.of(places[positions])


def pairs(names: Sequence[str], scores: np.ndarray, draws: np.ndarray) -> list[Pair]:
    """All pairs with simultaneous intervals and corrected p.

    names: of C candidates, the best first; scores: (C,), larger is better; draws: (R, C), the same
    on R resamples.
    """
    ends = list(combinations(range(len(names)), 2))
    found = np.array([scores[a] - scores[b] for a, b in ends])
    drawn = np.stack([draws[:, a] - draws[:, b] for a, b in ends], axis=1)
    drawn = drawn[~np.isnan(drawn).any(1)]
    # Runs of equal predictions differ on no resample: their difference is 0 for certain.
    spread = np.maximum(drawn.std(0, ddof=1), 1e-12)
    farthest = (np.abs(drawn - found) / spread).max(1)
    reach = np.quantile(farthest, LEVEL) * spread
    return [
        Pair(
            names[a],
            names[b],
            float(found[n]),
            Interval(float(found[n] - reach[n]), float(found[n] + reach[n])),
            float((1 + (farthest >= abs(found[n]) / spread[n]).sum()) / (1 + len(farthest))),
            "win" if found[n] - reach[n] > 0 else "open",
        )
        for n, (a, b) in enumerate(ends)
    ]


def _candidates(paths: Sequence[Path | str]) -> dict[str, list[Path | str]]:
    """Runs of one recipe that differ by their seed, by the name of the first. Raises UsageError."""
    if len({Path(path).resolve() for path in paths}) < len(paths):
        raise UsageError("expected each run once, found one twice")
    found: list[list[Path | str]] = []
    for path in paths:
        same = next((own for own in found if seed_alone(own[0], path)), None)
        if same is None:
            found.append([path])
        else:
            same.append(path)
    if len(found) < 2:
        raise UsageError(
            "expected runs that differ by more than their seed, found one recipe alone. Its mean: "
            "unlabeled evaluate RUN DATA --average-with RUN"
        )
    names = [str(own[0]) + (f" and {len(own) - 1} more" if len(own) > 1 else "") for own in found]
    return dict(zip(names, found, strict=True))
