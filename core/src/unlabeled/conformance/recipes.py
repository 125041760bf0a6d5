"""Clauses C: a recipe can be read, is complete, trains, and resumes exactly."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import safetensors.torch
import torch

from unlabeled import discovery
from unlabeled.conformance.check import Check, Clause, checks_of, require
from unlabeled.conformance.fixture import Fixture
from unlabeled.export.encoder import load_encoder
from unlabeled.recipe import Recipe, load_recipe, read_recipe
from unlabeled.training.pretrain import pretrain, resume

HEADER = ("# run:", "# takes:", "# expect:", "# measured:")

READ = Clause(
    "C1",
    "read",
    "The recipe is valid; written out in full and read again it is the same.",
    "a setting whose value changes on the way through JSON, or a key that no longer exists",
)
SAYS = Clause(
    "C2",
    "header",
    "Its header says how to run it, how long it takes, what to expect, and how that was measured.",
    "a missing line; write `not measured` where there is no number yet",
)
TRAINS = Clause(
    "C3",
    "trains",
    "Two steps on synthetic data: every file of the run is there, the encoder loads and is finite.",
    "the recipe's parts do not fit each other",
    costly=True,
)
RESUMES = Clause(
    "C4",
    "resumes",
    "Stopped in the middle and resumed, a run ends with the same weights, bit by bit.",
    "state outside parameters and buffers, or randomness outside the rng and torch's generator",
    costly=True,
)


def checks(fixture: Fixture) -> Iterator[Check]:
    """The checks of every recipe, and of every pretext as it is trained."""
    for name in fixture.plugin.recipes:
        runs = {READ: _read, SAYS: _says, TRAINS: _trains}
        yield from checks_of(f"recipes/{name}", runs, fixture, name)
    for name in fixture.pretext_names():
        if fixture.recipes_with("pretext", name):
            yield from checks_of(
                f"pretexts/{fixture.short(name)}", {RESUMES: _resumes}, fixture, name
            )


def _read(fixture: Fixture, name: str) -> None:
    recipe = load_recipe(fixture.full(name))
    again = read_recipe(recipe.name, recipe.to_dict())
    require(again == recipe, "written out and read again, it is another recipe")
    missing = [key for key in ("reader", "encoder", "pretext") if not recipe.to_dict()[key]]
    require(not missing, f"empty: {missing}")


def _says(fixture: Fixture, name: str) -> None:
    text = discovery.recipe_path(fixture.full(name)).read_text(encoding="utf-8")
    missing = [line for line in HEADER if line not in text]
    require(not missing, f"the header lacks {', '.join(missing)}")
    full = fixture.full(name)
    require(f"unlabeled pretrain {full} " in text, f"the run line does not name {full}")


def _trains(fixture: Fixture, name: str) -> None:
    out = _pretrain(fixture, fixture.recipes[name], f"trains-{name}", steps=2)
    for file in ("recipe.yaml", "manifest.json", "metrics.jsonl", "encoder/model.safetensors"):
        require((out / file).is_file(), f"the run has no {file}")
    rows = (out / "metrics.jsonl").read_text().splitlines()
    require(len(rows) == 2, f"2 steps give {len(rows)} rows of metrics")
    values = load_encoder(out).state_dict()
    bad = [name for name, value in values.items() if not torch.isfinite(value).all()]
    require(not bad, f"the finished encoder holds values that are not finite: {', '.join(bad[:5])}")


def _resumes(fixture: Fixture, name: str) -> None:
    recipe = fixture.smallest_recipe("pretext", name)
    whole = _pretrain(fixture, recipe, f"whole-{fixture.short(name)}", steps=4)
    halted = _cut_back(whole, fixture.scratch(f"halted-{fixture.short(name)}") / "run", step=2)
    resume(halted, quiet=True)
    one, other = (_weights(run) for run in (whole, halted))
    changed = [key for key in one if not torch.equal(one[key], other[key])]
    require(not changed, f"other weights after resuming: {', '.join(changed[:5])}")


def _cut_back(run: Path, copy: Path, step: int) -> Path:
    """A copy of a finished run as it was when the checkpoint of `step` had been written."""
    shutil.copytree(run, copy)
    for folder in (copy / "checkpoints").glob("step-*"):
        if int(folder.name.removeprefix("step-")) > step:
            shutil.rmtree(folder)
    manifest = json.loads((copy / "manifest.json").read_text())
    (copy / "manifest.json").write_text(json.dumps({**manifest, "status": "interrupted"}))
    return copy


def _pretrain(fixture: Fixture, recipe: Recipe, name: str, steps: int) -> Path:
    """Train a recipe on synthetic data, with small batches and a checkpoint after every step."""
    sections = fixture.labelled(recipe).to_dict()
    training = {
        key: value for key, value in sections["training"].items() if key not in ("epochs", "steps")
    }
    smallest = fixture.pretext(recipe).smallest_batch
    training |= {
        "steps": steps,
        "batch_size": max(4, smallest),
        "workers": 0,
        "accumulate": 1,
        "checkpoint": {"every_steps": 1, "keep": steps},
    }
    small = read_recipe(recipe.name, {**sections, "training": training})
    out = fixture.scratch(name) / "run"
    data = fixture.data(recipe.reader.name.rpartition("/")[2])
    pretrain(small, data, out, quiet=True)
    return out


def _weights(run: Path) -> dict[str, torch.Tensor]:
    last = max((run / "checkpoints").glob("step-*"))
    return safetensors.torch.load_file(last / "model.safetensors")
