"""Clauses S: an assessment gives paired, honest evidence for every subject."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np

from unlabeled import discovery
from unlabeled.conformance.check import Check, Clause, checks_of, require
from unlabeled.conformance.fixture import Fixture
from unlabeled.contract import Assessed, Assessment
from unlabeled.evaluation.candidates import Pool
from unlabeled.evaluation.labelling import given_labels
from unlabeled.evaluation.seen_labels import Seen
from unlabeled.evaluation.settings import EvaluationSettings
from unlabeled.export.encoder import load_reader, read_config
from unlabeled.inference.reading import Source
from unlabeled.plugin import Trial
from unlabeled.randomness import keyed_rng
from unlabeled.recipe import Recipe, load_recipe, merge, read_choice
from unlabeled.training.pretrain import pretrain

ITEMS = 24
TRAINING = {"training": {"steps": 1, "batch_size": 4, "workers": 0, "health_every": 0}}

DRAWN = Clause(
    "S1",
    "drawn",
    "With an equal rng an assessment gives equal units, groups and scores.",
    "random numbers of its own, or state that is kept between calls",
)
ORDER = Clause(
    "S2",
    "order",
    "A score of units does not depend on the order in which they are given.",
    "a sum weighted by position, or a metric over neighbours in the list",
)
GROUPS = Clause(
    "S3",
    "groups",
    "Every unit occurs once, with the group of its item: `labels.groups` or `Items.groups`.",
    "each unit as a group of its own, which makes intervals too narrow",
)
UNDEFINED = Clause(
    "S4",
    "undefined",
    "The headline is a number over all units; over none every score is NaN, and nothing is raised.",
    "a sum or 0 where a value is undefined, or an exception that ends the bootstrap",
)


@dataclass(frozen=True, slots=True)
class Tried:
    """assess: of one subject, drawing alike; groups: of the items and labels it was given."""

    assess: Callable[[], Assessed | None]
    groups: frozenset[str]


def checks(fixture: Fixture) -> Iterator[Check]:
    """The checks of all assessments in the manifest; the core has no data to try its own on."""
    runs = {DRAWN: _drawn, ORDER: _order, GROUPS: _groups, UNDEFINED: _undefined}
    for name in fixture.plugin.assessments if fixture.plugin.recipes else ():
        tried = cache(partial(_tried, fixture, name))
        yield from checks_of(f"assessments/{name}", runs, tried)


def _drawn(tried: Callable[[], Tried]) -> None:
    one, other = _found(tried()), _found(tried())
    require(one.units.tolist() == other.units.tolist(), "two calls test other units")
    require(one.groups.tolist() == other.groups.tolist(), "two calls give other groups")
    every = np.arange(len(one.units))
    for before, after in zip(one.scores, other.scores, strict=True):
        seen = before.of(every), after.of(every)
        require(_same(*seen), f"{before.metric} of two calls: {seen[0]} and {seen[1]}")


def _order(tried: Callable[[], Tried]) -> None:
    found, rng = _found(tried()), keyed_rng("order")
    drawn = rng.integers(len(found.units), size=len(found.units))
    for score in found.scores:
        seen = score.of(drawn), score.of(rng.permutation(drawn))
        require(_same(*seen), f"{score.metric} in two orders: {seen[0]} and {seen[1]}")


def _groups(tried: Callable[[], Tried]) -> None:
    known, found = tried().groups, _found(tried())
    require(len(found.units) == len(found.groups), "units and groups differ in number")
    require(len(set(found.units.tolist())) == len(found.units), "a unit stands twice")
    unknown = set(found.groups.tolist()) - known
    # Of one item or group alone, parts may count as groups.
    require(len(known) < 2 or not unknown, f"no group of items or labels: {sorted(unknown)[:3]}")


def _undefined(tried: Callable[[], Tried]) -> None:
    found = _found(tried())
    headline = found.scores[0].of(np.arange(len(found.units)))
    require(np.isfinite(headline), f"the headline over all units is {headline}")
    for score in found.scores:
        nothing = score.of(np.arange(0))
        require(np.isnan(nothing), f"{score.metric} over no unit is {nothing}")


def _same(one: float, other: float) -> bool:
    return bool(np.isclose(one, other, rtol=1e-6, atol=1e-9, equal_nan=True))


def _found(tried: Tried) -> Assessed:
    found = tried.assess()
    require(found is not None, "nothing is returned for an encoder")
    assert found is not None
    require(len(found.units) and found.scores, "there is no unit or no score")
    return found


def _tried(fixture: Fixture, name: str) -> Tried:
    """A run of one step, and the assessment of it."""
    choice = read_choice("assessments", {"name": fixture.full(name)}, "conformance")
    assessment: Assessment = choice.settings  # type: ignore[assignment]
    recipe, target = _recipe(fixture, name, assessment)
    data = fixture.data(fixture.short(recipe.reader.name), ITEMS)
    run = fixture.scratch(f"assessed-{name}") / "run"
    pretrain(fixture.labelled(recipe, ITEMS), data, run, quiet=True)
    reader = load_reader(run)
    source = Source(reader.index(data), reader)
    labels, known = None, set(source.items.groups.tolist())
    if assessment.uses_labels:
        labels = given_labels(_table(data, name), target, source, data, (), Seen())
        known |= set(labels.groups.tolist())
    settings = EvaluationSettings(random_encoders=1)
    pool = Pool([run], read_config(run), settings, assessment, source, labels)
    subject = pool.pretrained[0]
    return Tried(
        lambda: assessment.assess(subject, source, labels, keyed_rng("conformance")),
        frozenset(known),
    )


def _recipe(fixture: Fixture, name: str, assessment: Assessment) -> tuple[Recipe, list[str]]:
    """A recipe that the assessment is for, and the target: of a trial with it, or the smallest."""
    trials = [each for each in fixture.plugin.trials.values() if each.assess == name]
    if trials:
        trial = trials[0]
        return load_recipe(fixture.full(trial.recipe), _short(trial)), [trial.target]
    full = fixture.full(name)
    asked = [r for r in fixture.recipes.values() if r.evaluation.assessment()["name"] == full]
    fit = asked or [
        recipe
        for recipe in fixture.recipes.values()
        if discovery.load("pretexts", recipe.pretext.name).kind == assessment.kind
        and issubclass(discovery.load("encoders", recipe.encoder.name), assessment.encoders)
    ]
    smallest = min(fit, key=fixture.size_of)
    target = [] if _own_table(fixture, smallest, name) else [Trial("").target]
    return load_recipe(smallest.name, TRAINING), target


def _short(trial: Trial) -> dict[str, object]:
    return merge(dict(trial.overrides), TRAINING)


def _own_table(fixture: Fixture, recipe: Recipe, name: str) -> bool:
    data = fixture.data(fixture.short(recipe.reader.name), ITEMS)
    return _table(data, name).name != "labels.csv"


def _table(data: Path, name: str) -> Path:
    """`labels-NAME.csv` of the synthetic data where there is one, else `labels.csv`."""
    own = data / f"labels-{name}.csv"
    return own if own.is_file() else data / "labels.csv"
