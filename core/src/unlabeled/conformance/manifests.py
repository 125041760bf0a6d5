"""Clauses M: the manifest is light, complete and true."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Iterator

from unlabeled import discovery
from unlabeled.conformance.check import Check, Clause, checks_of, require
from unlabeled.conformance.fixture import Fixture
from unlabeled.errors import PluginError
from unlabeled.plugin import KINDS, Component
from unlabeled.settings import Settings, settings_type

HEAVY = ("torch", "numpy", "pyarrow", "sklearn", "lightning_fabric", "lightly")

LIGHT = Clause(
    "M1",
    "light",
    "Importing the manifest imports nothing but the manifest's own types.",
    "the package's __init__ or plugin.py imports a library; keep imports in the components",
)
EXISTS = Clause(
    "M2",
    "exists",
    "Everything that the manifest lists can be imported.",
    "a renamed module, a typing error in a target, or a dependency that is not declared",
)
SETTINGS = Clause(
    "M3",
    "settings",
    "A component's settings are a Settings model; every field says what it is.",
    "a missing `settings_type`, or a field without Field(description=...)",
)
SYNTHETIC = Clause(
    "M4",
    "synthetic",
    "Each reader has a writer of synthetic data.",
    "Plugin.synthetic lacks the reader's name",
)

COMMANDS = Clause(
    "M5",
    "command",
    "A command is a function whose parameters are typed and described; core adds --json.",
    "a parameter without a type, or one called json; or no docstring",
)

HAS_SETTINGS = tuple(kind for kind in KINDS if kind != "recipes")


def checks(fixture: Fixture) -> Iterator[Check]:
    """The checks of the manifest as such, and of everything it lists by name."""
    yield from checks_of("manifest", {LIGHT: _light}, fixture)
    for kind, name, component in discovery.kinds_of(fixture.plugin):
        place = f"{kind}/{name}"
        if kind == "recipes":
            yield from checks_of(place, {EXISTS: _recipe_exists}, fixture, name)
        else:
            yield from checks_of(place, {EXISTS: _exists}, component)
        if kind in HAS_SETTINGS and _found(component):
            yield from checks_of(place, {SETTINGS: _settings}, component)
    for name, component in fixture.plugin.commands.items():
        yield from checks_of(f"commands/{name}", {COMMANDS: _command}, component)
    for name in fixture.plugin.readers:
        yield from checks_of(f"readers/{name}", {SYNTHETIC: _synthetic}, fixture, name)


def _found(component: Component) -> bool:
    """Whether it can be imported; if not, only the check of imports reports it."""
    try:
        _exists(component)
    except PluginError:
        return False
    return True


def _light(fixture: Fixture) -> None:
    module = _manifest_module(fixture)
    if not module:
        return
    code = f"import sys, {module}; print(*({set(HEAVY)!r} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)  # noqa: S603
    require(done.returncode == 0, f"importing {module} fails: {done.stderr.strip()[-300:]}")
    loaded = done.stdout.strip()
    require(not loaded, f"importing {module} also imports {loaded}")


def _manifest_module(fixture: Fixture) -> str:
    for point, _ in discovery.entry_points():
        if point.name == fixture.plugin.modality:
            return point.module
    return ""


def _exists(component: Component) -> None:
    discovery.resolve(component.target)


def _recipe_exists(fixture: Fixture, name: str) -> None:
    discovery.recipe_path(fixture.full(name))


def _settings(component: Component) -> None:
    model = settings_type(discovery.resolve(component.target))
    is_model = isinstance(model, type) and issubclass(model, Settings)
    require(is_model, f"{component.target} has no settings model: {model!r}")
    # A section of a recipe names its component by that key, so the setting could not be written.
    require(
        "name" not in model.model_fields,
        f"{model.__name__}: no setting can be called `name`, which names the component itself",
    )
    silent = [name for name, field in model.model_fields.items() if not field.description]
    require(not silent, f"{model.__name__}: no description of {', '.join(silent)}")


def _command(component: Component) -> None:
    function = discovery.resolve(component.target)
    require(inspect.isfunction(function), f"{component.target} is no function: {function!r}")
    parameters = inspect.signature(function).parameters
    untyped = [name for name, each in parameters.items() if each.annotation is each.empty]
    require(not untyped, f"{component.target}: no type of {', '.join(untyped)}")
    require("json" not in parameters, f"{component.target}: a parameter json, which is core's")
    text = function.__doc__ or ""
    silent = [name for name in parameters if f"{name}\n" not in text]
    require(not silent, f"{component.target}: its docstring does not describe {', '.join(silent)}")


def _synthetic(fixture: Fixture, name: str) -> None:
    require(name in fixture.plugin.synthetic, f"synthetic has no entry {name!r}")
    fixture.data(name)
