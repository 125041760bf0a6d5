"""Run one assessment for every subject, and align what they were tested on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from unlabeled.contract import Assessed, Assessment, Rivals, Score, Subject
from unlabeled.errors import DataError, PluginError
from unlabeled.evaluation.candidates import CombinedSubject, Pool
from unlabeled.evaluation.labelling import GivenLabels
from unlabeled.evaluation.seen_labels import Seen, without
from unlabeled.inference.reading import Source
from unlabeled.progress import progress
from unlabeled.randomness import keyed_rng


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the table: one subject, or several whose scores are averaged. added_to: the baseline
    beside which the pretrained stand in a combined one."""

    name: str
    kind: Literal["pretrained", "random", "baseline", "rival", "combined"]
    assessed: tuple[Assessed, ...]
    added_to: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """entries: the pretrained first, then random ones, and where there is a baseline the best one
    with the pretrained last; left_out: baselines that cannot be assessed;
    dropped: (n,) groups of units that were returned although they had labels in training."""

    entries: tuple[Entry, ...]
    left_out: tuple[str, ...]
    dropped: np.ndarray


@dataclass(frozen=True, slots=True)
class Shared:
    """The S units that all entries share, in the order of the first.

    groups: (S,); places: for each Assessed, (S,) their positions in it; lost: the number of units
    that some entries lack.
    """

    groups: np.ndarray
    places: tuple[np.ndarray, ...]
    lost: int


def assess_all(
    assessment: Assessment,
    name: str,
    pool: Pool,
    source: Source,
    labels: GivenLabels | None,
    seen: Seen,
) -> Found:
    """Assess all subjects of `pool` and the rivals of the assessment.

    name: of the assessment. Raises DataError, UsageError, RunError or PluginError.
    """
    unit, forbidden = labels.unit if labels else "units", seen.names(source.items)
    if labels:
        forbidden |= frozenset(labels.groups[~labels.testable].tolist())
    rng_key = ("assessment", name)
    dropped: list[str] = []

    def allowed(assessed: Assessed) -> Assessed:
        _require_whole(assessed, name)
        left = without(assessed, forbidden, unit)
        lost = [group for group in assessed.groups.tolist() if group in forbidden]
        dropped[:] = lost or dropped
        return left

    def assess(subject: Subject) -> Assessed | None:
        found = assessment.assess(subject, source, labels, keyed_rng(*rng_key))
        return allowed(found) if found is not None else None

    def one(subject: Subject) -> Assessed | None:
        found = assess(subject)
        advance(1)
        return found

    def several(subjects: Sequence[Subject]) -> tuple[Assessed, ...]:
        found = tuple(each for each in map(one, subjects) if each is not None)
        if len(found) < len(subjects):
            raise PluginError(f"assessment {name}: returned nothing for an encoder")
        return found

    count = len(pool.paths) + pool.settings.random_encoders + len(pool.baselines)
    with progress("assessing", count, "subjects") as advance:
        entries = [
            Entry(
                _name(pool),
                "pretrained",
                several(pool.pretrained),
            ),
            Entry(
                _random(assessment, pool.settings.random_encoders), "random", several(pool.random)
            ),
        ]
        baselines = {baseline: one(subject) for baseline, subject in pool.baselines.items()}
    entries += [Entry(key, "baseline", (each,)) for key, each in baselines.items() if each]
    if isinstance(assessment, Rivals):
        rivals = assessment.rivals(source, labels, keyed_rng(*rng_key))
        entries += [Entry(key, "rival", (allowed(each),)) for key, each in rivals.items()]
    if best := _best_baseline(baselines):
        subjects = [CombinedSubject(pool.baselines[best], each) for each in pool.pretrained]
        joined = tuple(each for each in map(assess, subjects) if each is not None)
        if joined:
            entries.append(Entry(f"{best} + pretrained", "combined", joined, added_to=best))
    left_out = tuple(baseline for baseline, found in baselines.items() if found is None)
    return Found(tuple(entries), left_out, np.array(dropped))


def _best_baseline(baselines: Mapping[str, Assessed | None]) -> str:
    """The name of the one with the best first score; empty if none has one."""
    scores = {}
    for name, found in baselines.items():
        if found is not None:
            score = found.scores[0]
            value = score.of(np.arange(len(found.units)))
            scores[name] = value if score.higher_is_better else -value
    known = {name: value for name, value in scores.items() if not np.isnan(value)}
    return max(known, key=known.__getitem__, default="")


def share(entries: Sequence[Entry], name: str) -> Shared:
    """Align all entries. name: of the assessment. Raises DataError if nothing is shared."""
    flat = [assessed for entry in entries for assessed in entry.assessed]
    own = [{unit: at for at, unit in enumerate(each.units.tolist())} for each in flat]
    kept = [unit for unit in own[0] if all(unit in each for each in own[1:])]
    if not kept:
        raise DataError(f"assessment {name}: no unit could be assessed for everybody")
    places = tuple(np.array([each[unit] for unit in kept]) for each in own)
    groups = flat[0].groups[places[0]]
    for each, at in zip(flat[1:], places[1:], strict=True):
        if (each.groups[at] != groups).any():
            raise PluginError(f"assessment {name}: a unit has several groups, by who is assessed")
    return Shared(groups, places, len(set().union(*own)) - len(kept))


def key_of(score: Score) -> tuple[str, str]:
    """The key of a score."""
    return score.metric, json.dumps(dict(score.at), sort_keys=True)


def _require_whole(assessed: Assessed, name: str) -> None:
    """Raises PluginError if the result of an assessment would be misleading."""
    units, groups = assessed.units.tolist(), assessed.groups.tolist()
    keys = [key_of(score) for score in assessed.scores]
    if len(units) != len(groups) or len(set(units)) < len(units):
        raise PluginError(
            f"assessment {name}: expected units that stand once, each with a group, found "
            f"{len(units)} units ({len(set(units))} different) and {len(groups)} groups"
        )
    if not keys or len(set(keys)) < len(keys):
        raise PluginError(f"assessment {name}: expected scores that differ in metric or condition")
    if not units:
        raise DataError(f"assessment {name}: there was nothing to test")


def _name(pool: Pool) -> str:
    count, made = len(pool.paths), pool.config.provenance
    name = "pretrained" if count == 1 else f"{count} pretrained (mean)"
    return f"{name}, step {made.steps} of {made.of_steps}" if made.of_steps else name


def _random(assessment: Assessment, count: int) -> str:
    what = "untrained methods" if assessment.needs == "method" else "random encoders"
    return f"{count} {what} (mean)"
