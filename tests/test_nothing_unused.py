"""Nothing enters core that no shipped recipe uses: losses, objectives, pretexts and masks."""

import ast
import importlib.util
import re
from functools import cache
from pathlib import Path
from typing import get_args

import pytest

from unlabeled import builtin, discovery
from unlabeled.masks.planner import Mask
from unlabeled.recipe import Recipe, load_recipe

ROOT = Path(__file__).resolve().parent.parent
PLUGINS = sorted(path.name for path in (ROOT / "plugins").iterdir() if path.is_dir())
LOSSES = sorted(
    path.stem
    for path in (ROOT / "core/src/unlabeled/objectives").glob("*.py")
    if any(mark in path.read_text() for mark in (f"\ndef {path.stem}_loss(", "class WeightedSum("))
)


@cache
def recipes() -> list[Recipe]:
    manifests = [discovery.usable(name).plugin for name in PLUGINS]
    return [load_recipe(f"{p.modality}/{name}") for p in manifests for name in p.recipes]


def imported(modules: set[str]) -> set[str]:
    """`modules`, and the pretexts and objectives that they import, at any depth."""
    found, waiting = set(), set(modules)
    while waiting:
        module = waiting.pop()
        found.add(module)
        tree = ast.parse(Path(importlib.util.find_spec(module).origin).read_text())
        names = {n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
        waiting |= {
            n for n in names - found if re.match(r"unlabeled.*\.(pretexts|objectives)\.", n)
        }
    return found


@cache
def reached(kind: str) -> set[str]:
    """The modules behind the components of that kind which shipped recipes name."""
    chosen = [choice for r in recipes() for choice in (r.pretext, r.objective) if choice]
    targets = {discovery.find(kind, c.name).target for c in chosen if c.kind == kind}
    return imported({target.partition(":")[0] for target in targets})


def masks(value: object) -> set[str]:
    """The names of the mask planners in the settings of a recipe."""
    if not isinstance(value, dict):
        return set()
    below = set().union(*(masks(each) for each in value.values()))
    mask = value.get("mask")
    return below | ({mask["name"]} if isinstance(mask, dict) else set())


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_is_used(name):
    assert f"unlabeled.objectives.{name}" in reached("pretexts") | reached("objectives")


@pytest.mark.parametrize("name", builtin.OBJECTIVES)
def test_every_objective_is_used(name):
    """By the name that a recipe gives, or by a pretext that owns it (iBOT's token loss)."""
    named = {recipe.objective.name for recipe in recipes() if recipe.objective}
    assert name in named or f"unlabeled.objectives.{name}" in reached("pretexts")


@pytest.mark.parametrize("name", builtin.PRETEXTS)
def test_every_pretext_is_used(name):
    assert name in {recipe.pretext.name for recipe in recipes()}


@pytest.mark.parametrize("planner", [get_args(each)[0] for each in get_args(get_args(Mask)[0])])
def test_every_mask_is_used(planner):
    used = set().union(*(masks(recipe.to_dict()["pretext"]) for recipe in recipes()))
    assert planner.model_fields["name"].default in used
