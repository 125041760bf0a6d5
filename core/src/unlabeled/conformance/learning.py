"""Clauses L: a method learns, shown in seconds on the plugin's labelled toy data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from unlabeled import discovery
from unlabeled.conformance.check import Check, Clause, checks_of, require
from unlabeled.conformance.fixture import Fixture
from unlabeled.evaluation.evaluate import evaluate
from unlabeled.evaluation.result import Evaluation
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
    "After a short pretraining on toy data, embeddings predict labels better than those of "
    "random encoders, by more than their standard deviation.",
    "a loss that does not depend on the input, a learning rate that is far off, or toy data that "
    "random encoders solve; `Plugin.trials` sets both",
    costly=True,
)
RESTORES = Clause(
    "L2",
    "restores",
    "After a short pretraining on toy data, restored items are nearer to the truth than the input "
    "and than a classical filter that the plugin names.",
    "a restoration that returns its input; `Plugin.trials` names the assessment",
    costly=True,
)


def checks(fixture: Fixture) -> Iterator[Check]:
    """The checks of every pretext that a recipe uses."""
    for name in fixture.pretext_names():
        if fixture.recipes_with("pretext", name):
            kind = discovery.load("pretexts", name).kind
            runs = {LEARNS: _learns} if kind == "representation" else {RESTORES: _restores}
            for check in checks_of(f"pretexts/{fixture.short(name)}", runs, fixture, name):
                yield replace(check, expected_failure=_claims_nothing(fixture, name))


def _claims_nothing(fixture: Fixture, name: str) -> str:
    """Why a pretext need not pass: the plugin does not claim that it learns."""
    recipes = [fixture.short(recipe.name) for recipe in fixture.recipes_with("pretext", name)]
    claimed = [each for each in recipes if not fixture.plugin.recipes[each].experimental]
    if claimed or fixture.short(name) in fixture.plugin.trials:
        return ""
    return "all its recipes are experimental, and no trial is given"


def _learns(fixture: Fixture, name: str) -> None:
    trial = _trial(fixture, name)
    run, data = _run(fixture, name, trial)
    found = _assessed(fixture, trial, run, data)
    gap, random = found.comparisons[0].difference, found.rows[1]
    require(
        gap is not None and gap > (random.sd or 0.0),
        f"{found.metric} {found.rows[0].score}, random encoders {random.score} ± {random.sd}",
    )


def _restores(fixture: Fixture, name: str) -> None:
    trial = _trial(fixture, name)
    require(trial.assess, f"Plugin.trials has no assessment for {fixture.short(name)}")
    run, data = _run(fixture, name, trial)
    found = _assessed(fixture, trial, run, data)
    rivals = [row.name for row in found.rows if row.kind == "rival"]
    require(len(rivals) > 1, f"expected the input and a filter as rivals, found {rivals}")
    better = [each.against for each in found.comparisons if (each.difference or 0.0) < 0]
    shown = ", ".join(f"{row.name} {row.score:.3f}" for row in found.rows if row.score is not None)
    require(not better, f"not the best: {shown}")


def _assessed(fixture: Fixture, trial: Trial, run: Path, data: Path) -> Evaluation:
    assess = {"name": fixture.full(trial.assess)} if trial.assess else None
    settings = EvaluationSettings(random_encoders=RANDOM_ENCODERS, assess=assess)
    wanted = discovery.load("assessments", settings.assessment()["name"]).uses_labels
    labels, target = (data / "labels.csv", [trial.target]) if wanted else (None, [])
    return evaluate(run, data, labels, target=target, settings=settings)


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
