"""Clauses L: a method teaches something, seen in seconds on the plugin's own labelled toy data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from unlabeled import discovery
from unlabeled.conformance.check import Check, Clause, checks_of, require
from unlabeled.conformance.fixture import Fixture
from unlabeled.evaluation.evaluate import evaluate
from unlabeled.evaluation.settings import EvaluationSettings
from unlabeled.plugin import Trial
from unlabeled.recipe import Recipe, load_recipe, merge
from unlabeled.training.pretrain import pretrain

TRAINING = {"steps": 100, "batch_size": 32, "workers": 0, "health_every": 0}
"""What a trial trains with, where it does not say otherwise."""

RANDOM_ENCODERS = 3

LEARNS = Clause(
    "L1",
    "learns",
    "After a short pretraining on toy data, embeddings tell labels apart better than those of "
    "random encoders: by more than their standard deviation.",
    "a loss that does not depend on the input, a learning rate that is far off, or toy data that "
    "random encoders solve; `Plugin.trials` sets both",
    costly=True,
)
RESTORES = Clause(
    "L2",
    "restores",
    "After a short pretraining on toy data, restored items are nearer to the truth than the input "
    "and than a classical filter that the plugin names.",
    "a restoration that returns its input; `Plugin.trials` names the judge",
    costly=True,
)


def checks(fixture: Fixture) -> Iterator[Check]:
    """The checks of every pretext that a recipe uses."""
    for name in fixture.pretext_names():
        if fixture.recipes_with("pretext", name):
            kind = discovery.load("pretexts", name).kind
            runs = {LEARNS: _learns} if kind == "representation" else {RESTORES: _restores}
            for check in checks_of(f"pretexts/{fixture.short(name)}", runs, fixture, name):
                yield replace(check, excused=_claims_nothing(fixture, name))


def _claims_nothing(fixture: Fixture, name: str) -> str:
    """Why a pretext need not learn in seconds: nobody says yet that it learns at all."""
    recipes = [fixture.short(recipe.name) for recipe in fixture.recipes_with("pretext", name)]
    claimed = [each for each in recipes if not fixture.plugin.recipes[each].experimental]
    if claimed or fixture.short(name) in fixture.plugin.trials:
        return ""
    return "all its recipes are experimental, and no trial is given"


def _learns(fixture: Fixture, name: str) -> None:
    trial = _trial(fixture, name)
    run, data = _run(fixture, name, trial)
    settings = EvaluationSettings(random_encoders=RANDOM_ENCODERS)
    found = evaluate(run, data, data / "labels.csv", target=[trial.target], settings=settings)
    rows = {row.kind: row for row in found.rows}
    trained, random, spread = rows["pretrained"].score, rows["random"].score, rows["random"].sd
    require(trained is not None and random is not None, f"{found.metric} is undefined")
    assert trained is not None
    assert random is not None
    require(
        trained > random + (spread or 0.0),
        f"{found.metric} {trained:.3f}, random encoders {random:.3f} ± {spread or 0.0:.3f}",
    )


def _restores(fixture: Fixture, name: str) -> None:
    trial = _trial(fixture, name)
    require(trial.judge, f"Plugin.trials has no judge for {fixture.short(name)}")
    run, data = _run(fixture, name, trial)
    scores: Mapping[str, float] = discovery.resolve(trial.judge)(run, data)
    require("restored" in scores and len(scores) > 2, f"the judge compared only {list(scores)}")
    better = [other for other, score in scores.items() if score > scores["restored"]]
    shown = ", ".join(f"{what} {score:.3f}" for what, score in scores.items())
    require(not better, f"not the best: {shown}")


def _trial(fixture: Fixture, name: str) -> Trial:
    default = Trial(fixture.short(fixture.smallest_recipe("pretext", name).name))
    return fixture.plugin.trials.get(fixture.short(name), default)


def _run(fixture: Fixture, name: str, trial: Trial) -> tuple[Path, Path]:
    """Pretrain as the trial says. Returns the run's folder and that of the data."""
    recipe = _short_recipe(fixture, trial)
    data = fixture.data(fixture.short(recipe.reader.name), trial.items)
    out = fixture.scratch(f"learns-{fixture.short(name)}") / "run"
    pretrain(fixture.labelled(recipe, trial.items), data, out, quiet=True)
    return out, data


def _short_recipe(fixture: Fixture, trial: Trial) -> Recipe:
    return load_recipe(
        fixture.full(trial.recipe), merge({"training": TRAINING}, dict(trial.overrides))
    )
