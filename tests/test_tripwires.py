"""Nothing in a recipe, a run folder or an encoder's description runs code or writes elsewhere.

Every setting of every component of every installed plugin gets values that something careless would
import, evaluate, build or open; what the settings accept is used on synthetic data.
"""

from __future__ import annotations

import importlib
import itertools
import json
import os
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from typing import get_args

import pytest
import toy_runs
import yaml
from pydantic import BaseModel

from unlabeled import discovery
from unlabeled.cli import main
from unlabeled.conformance.fixture import Fixture
from unlabeled.contract import BatchAugmentation
from unlabeled.errors import UnlabeledError
from unlabeled.flag_text import FlagText
from unlabeled.randomness import keyed_rng
from unlabeled.recipe import build_encoder, merge, read_choice
from unlabeled.settings import settings_type
from unlabeled.training.pretrain import pretrain

WIRES = (
    "tripped.spring",
    "tripped:spring",
    "!!python/object/apply:tripped.spring []",
    "__import__('tripped').spring()",
    "$__import__('tripped').spring()",
    "../../climbed",
)
KINDS = (
    "readers",
    "augmentations",
    "encoders",
    "pretexts",
    "objectives",
    "baselines",
    "evaluators",
)
SPRING = "from pathlib import Path\nPath(__file__).with_suffix('.fired').touch()\nspring = print\n"

HARMLESS = ("uname", "/sbin/ldconfig")
"""What Python asks the machine's name and libraries by."""
VECTORS = Path(toy_runs.__file__).parent / "vectors"
seen: list[str] = []
watching = [False]


def _audit(event, arguments):
    if not watching[0]:
        return
    started = event in ("os.system", "os.exec", "os.posix_spawn", "subprocess.Popen")
    if started and arguments[0] not in HARMLESS:
        seen.append(f"{event} {arguments}")


sys.addaudithook(_audit)


@pytest.fixture
def nothing_happens(tmp_path, monkeypatch):
    """A working folder two floors down; nothing above it may be executed or written."""
    work = tmp_path / "above" / "middle" / "work"
    work.mkdir(parents=True)
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "tripped.py").write_text(SPRING)
    monkeypatch.syspath_prepend(tmp_path / "modules")
    monkeypatch.chdir(work)
    seen.clear()
    watching[0] = True
    yield work
    watching[0] = False
    assert not seen
    assert "tripped" not in sys.modules
    assert not (tmp_path / "modules" / "tripped.fired").exists()
    assert [each.name for each in (tmp_path / "above").rglob("*") if work not in each.parents] in (
        ["middle", "work"],
    )


def models_in(annotation):
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for each in get_args(annotation) for model in models_in(each)]


def places(model, path=()):
    """Where each setting of a model stands, sections within sections too."""
    for name, field in model.model_fields.items():
        yield (*path, name)
        for inner in models_in(field.annotation):
            tag = inner.model_fields.get("name")
            chosen = {"name": tag.default} if tag is not None and tag.default else {}
            for place in places(inner, (*path, name)):
                yield (*place[:-1], (place[-1], chosen)) if chosen else place


def laid(path, value):
    """`("mask", ("ratio", {"name": "blocks"}))` → {"mask": {"name": "blocks", "ratio": value}}."""
    for step in reversed(path):
        key, beside = step if isinstance(step, tuple) else (step, {})
        value = {**beside, key: value}
    return value


def values():
    for wire in WIRES:
        yield from (wire, FlagText(wire), [wire], {"name": wire}, {"_target_": wire, wire: wire})


def components():
    for found in discovery.discover():
        for kind in KINDS:
            for name in found.plugin.components(kind) if found.plugin else ():
                yield pytest.param(found, kind, name, id=f"{found.modality}-{kind}-{name}")


FIXTURES: dict[str, Fixture] = {}


def use(fixture, kind, choice):
    """Do with an accepted setting what a command would do first."""
    settings = choice.settings
    if kind == "readers":
        items = settings.index(fixture.data(fixture.short(choice.name)))
        settings.describe(items)
        settings.read(items[0])
    elif kind == "augmentations" and not isinstance(settings, BatchAugmentation):
        settings(fixture.samples(fixture.main_reader(), 1)[0], keyed_rng(0))
    elif kind == "encoders":
        build_encoder(choice.with_facts(fixture.facts(fixture.main_reader())))


def test_the_wires_are_taut(nothing_happens):
    importlib.import_module("tripped")
    assert sys.modules.pop("tripped").spring
    os.system("true")
    assert seen == ["os.system (b'true',)"]
    fired = nothing_happens.parents[2] / "modules" / "tripped.fired"
    assert fired.exists()
    fired.unlink()
    seen.clear()


@pytest.mark.parametrize(("found", "kind", "name"), list(components()))
def test_no_setting_is_run(found, kind, name, nothing_happens):
    watching[0] = False  # plugins start libraries of their own when they are first imported
    fixture = FIXTURES.setdefault(found.modality, Fixture(found.plugin))
    full = fixture.full(name)
    model = settings_type(discovery.load(kind, full))
    if kind == "readers":
        fixture.data(name)
    fixture.samples(fixture.main_reader(), 1)
    with suppress(UnlabeledError):
        use(fixture, kind, read_choice(kind, {"name": full}, "here"))
    watching[0] = True
    for place in places(model):
        for value in values():
            with suppress(UnlabeledError):
                use(fixture, kind, read_choice(kind, {"name": full, **laid(place, value)}, "here"))


def leaves(value, path=()):
    if isinstance(value, dict):
        for key, each in value.items():
            yield from leaves(each, (*path, key))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from leaves(each, (*path, index))
    else:
        yield path


def put(value, path, new):
    for key in path[:-1]:
        value = value[key]
    value[path[-1]] = new


@pytest.fixture
def vectors(monkeypatch):
    """The toy plugin of core's tests, as an installed one."""
    monkeypatch.syspath_prepend(VECTORS)
    discovery.discover.cache_clear()
    yield
    discovery.discover.cache_clear()


@pytest.fixture
def run(vectors, nothing_happens):
    """A stopped run of the toy plugin, and its data."""
    data = toy_runs.write_data(nothing_happens / "data", 12)
    sections = merge(toy_runs.MEMORY, {"training": {"checkpoint": {"every_steps": 1}}})
    pretrain(toy_runs.recipe(sections, steps=2), data, nothing_happens / "run", quiet=True)
    return nothing_happens / "run"


def tampered(run, file, read, write):
    """A copy of the run for each value of the file, with that value replaced."""
    original = read((run / file).read_text())
    for path, wire in zip(leaves(original), itertools.cycle(WIRES), strict=False):
        copy = run.parent / "foreign"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(run, copy)
        changed = read((run / file).read_text())
        put(changed, path, wire)
        (copy / file).write_text(write(changed))
        yield copy, path


def test_a_foreign_run_is_not_run_by_resume(run, nothing_happens, capsys):
    for read, write, file in (
        (yaml.safe_load, yaml.safe_dump, "recipe.yaml"),
        (json.loads, json.dumps, "manifest.json"),
    ):
        for copy, path in tampered(run, file, read, write):
            code = main.run(["pretrain", "--resume", str(copy)])
            assert code != main.OUR_MISTAKE, (path, capsys.readouterr().err.splitlines()[-2:])


def test_a_foreign_encoder_is_not_run_by_what_uses_it(run, nothing_happens, capsys):
    data = run.parent / "data"
    commands = itertools.cycle((["embed", "--out", "vectors.parquet"], ["evaluate"]))
    for copy, path in tampered(run, "encoder/config.json", json.loads, json.dumps):
        command, *rest = next(commands)
        code = main.run([command, str(copy), str(data), *rest])
        assert code != main.OUR_MISTAKE, (path, capsys.readouterr().err.splitlines()[-2:])


@pytest.mark.parametrize(
    "text",
    [
        "reader: !!python/object/apply:tripped.spring []",
        "reader: !!python/name:tripped.spring",
        "reader: &a [*a]",
        "[" * 2000,
    ],
)
def test_a_recipe_file_brings_no_code(text, nothing_happens):
    (nothing_happens / "bad.yaml").write_text(text)
    assert main.run(["pretrain", "bad.yaml", ".", "--out", "run"]) == 2
