"""Find the installed plugins without importing their code, and load components by name.

`discover` never raises: a plugin that cannot be used is listed with the reason and the command that
fixes it, and everything else keeps working.
"""

from __future__ import annotations

import importlib
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import Distribution, EntryPoint, PackageNotFoundError, distribution
from importlib.metadata import distributions as installed_distributions
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement

from unlabeled import builtin
from unlabeled.commands import COMMANDS
from unlabeled.did_you_mean import did_you_mean
from unlabeled.errors import PluginError
from unlabeled.plugin import (
    ENTRY_POINT_GROUP,
    KINDS,
    OLDEST_PLUGIN_API,
    PLUGIN_API,
    Component,
    Plugin,
)

CORE = "unlabeled"

SLOW = 1.0
"""Seconds; a manifest that takes longer to import slows every command."""


@dataclass(frozen=True, slots=True)
class Found:
    """One installed plugin, usable or not.

    problem: why it cannot be used, empty if it can; fix: the command that helps. warning: a fault
    of a plugin that can be used. cause: the original exception, where there was one.
    """

    modality: str
    distribution: str
    version: str
    plugin: Plugin | None = None
    problem: str = ""
    fix: str = ""
    warning: str = ""
    cause: BaseException | None = None

    @property
    def healthy(self) -> bool:
        return not self.problem


@cache
def discover() -> tuple[Found, ...]:
    """Describe every installed plugin, sorted by modality. Never raises.

    Checked in this order: two claims to one name, the plugin's own requirement on the core (from
    metadata, nothing imported), the manifest, its contract version.
    """
    points = list(entry_points())
    claims = Counter(point.name for point, _ in points)
    found = [
        _claimed_twice(point, dist, points) if claims[point.name] > 1 else _inspect(point, dist)
        for point, dist in points
    ]
    return tuple(sorted(found, key=lambda record: (record.modality, record.distribution)))


def core() -> Found:
    """The core's own components as a record like any other."""
    return Found("", CORE, _core_version(), plugin=builtin.plugin)


def find(kind: str, name: str) -> Component:
    """The manifest's entry for a component.

    kind: one of `unlabeled.plugin.KINDS`; name: bare for the core's own, else `modality/name`.
    Raises PluginError with the reason and the nearest name.
    """
    modality, _, short = name.rpartition("/")
    plugin = _usable(modality, f"{kind[:-1]} {name!r}") if modality else builtin.plugin
    components = plugin.components(kind)
    if short not in components:
        raise PluginError(f"no {kind[:-1]} {name!r}.{did_you_mean(name, component_names(kind))}")
    return components[short]


def load(kind: str, name: str) -> Any:
    """The class or function behind a component. Raises PluginError, with the original cause."""
    return resolve(find(kind, name).target)


def resolve(target: str) -> Any:
    """Import "package.module:attribute". Raises PluginError, with the original cause."""
    module, _, attribute = target.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except ModuleNotFoundError as error:
        fix = "" if error.name == module else f" Install what it needs: {error.name}."
        raise PluginError(f"{target}: {error}.{fix}") from error
    except Exception as error:
        raise PluginError(f"{target}: {type(error).__name__}: {error}") from error


def recipe_path(name: str) -> Path:
    """The YAML file of an installed recipe. Raises PluginError."""
    package, _, inside = find("recipes", name).target.partition(":")
    try:
        path = Path(importlib.import_module(package).__path__[0]) / inside
    except Exception as error:
        raise PluginError(f"recipe {name!r}: {type(error).__name__}: {error}") from error
    if not path.is_file():
        raise PluginError(f"recipe {name!r}: the plugin lists it, but {inside} is not in {package}")
    return path


def usable(modality: str) -> Found:
    """The healthy record of a modality. Raises PluginError with the reason it cannot be used."""
    records = [record for record in discover() if record.modality == modality]
    if not records:
        names = sorted({record.modality for record in discover()})
        package = f"{CORE}-{modality.replace('_', '-')}"
        hint = did_you_mean(modality, names, f"If it exists: pip install {package}")
        raise PluginError(f"no plugin {modality!r} is installed.{hint}")
    record = records[0]
    if not record.healthy:
        raise PluginError(
            f"{record.distribution} {record.version} is installed but unusable: {record.problem}\n"
            f"  {record.fix}"
        ) from record.cause
    return record


def component_names(kind: str) -> list[str]:
    """Every usable component of a kind, the core's own first."""
    own = sorted(builtin.plugin.components(kind))
    others = (
        f"{record.modality}/{name}"
        for record in discover()
        if record.plugin and record.healthy
        for name in sorted(record.plugin.components(kind))
    )
    return [*own, *others]


def _usable(modality: str, wanted: str) -> Plugin:
    try:
        plugin = usable(modality).plugin
    except PluginError as error:
        raise PluginError(f"no {wanted}: {error}") from error
    assert plugin is not None
    return plugin


def entry_points() -> Iterator[tuple[EntryPoint, Distribution]]:
    """Every installed entry point of a plugin, with its distribution."""
    seen = set()
    for dist in installed_distributions():
        # Metadata are parsed for plugins only: all of an environment's take a tenth of a second.
        if ENTRY_POINT_GROUP not in (dist.read_text("entry_points.txt") or ""):
            continue
        name = (dist.metadata["Name"] or "").lower().replace("_", "-")
        if name in seen:  # the same distribution twice on the path: the first one is imported
            continue
        seen.add(name)
        for point in dist.entry_points:
            if point.group == ENTRY_POINT_GROUP:
                yield point, dist


def _inspect(point: EntryPoint, dist: Distribution) -> Found:
    def found(plugin: Plugin | None = None, **problem: Any) -> Found:
        return Found(point.name, dist.metadata["Name"], dist.version, plugin, **problem)

    conflict = _requirement_conflict(dist)
    if conflict:
        return found(problem=conflict, fix=f"pip install --upgrade {CORE} {dist.metadata['Name']}")
    start = time.perf_counter()
    try:
        plugin = point.load()
    except BaseException as error:  # a stranger's code: even SystemExit must not end the program
        if isinstance(error, KeyboardInterrupt):
            raise
        return found(
            problem=f"its manifest {point.value} cannot be loaded: {type(error).__name__}: {error}",
            fix=f"pip install --force-reinstall {dist.metadata['Name']}, or tell its authors",
            cause=error,
        )
    seconds = time.perf_counter() - start
    problem, fix = _contract_conflict(plugin, point, dist)
    if problem or seconds < SLOW:
        return found(plugin if isinstance(plugin, Plugin) else None, problem=problem, fix=fix)
    return found(
        plugin,
        warning=f"importing its manifest {point.value} takes {seconds:.1f} s at every command",
        fix=f"tell the authors of {dist.metadata['Name']}: libraries belong in the components; "
        f"unlabeled check {point.name} names those that the manifest imports",
    )


def _requirement_conflict(dist: Distribution) -> str:
    for text in dist.requires or []:
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            continue
        if requirement.name != CORE or (requirement.marker and not requirement.marker.evaluate()):
            continue
        if not requirement.specifier.contains(_core_version(), prereleases=True):
            return f"needs {CORE} {requirement.specifier}, found {_core_version()}"
    return ""


def _contract_conflict(plugin: object, point: EntryPoint, dist: Distribution) -> tuple[str, str]:
    """(problem, fix), both empty when the manifest fits."""
    name = dist.metadata["Name"]
    if not isinstance(plugin, Plugin):
        return (
            f"{point.value} is a {type(plugin).__name__}, not an unlabeled.plugin.Plugin",
            f"tell the authors of {name}",
        )
    if plugin.modality != point.name:
        return (
            f"its entry point is called {point.name!r} and its manifest {plugin.modality!r}",
            f"tell the authors of {name}",
        )
    if plugin.modality.replace("_", "-") in COMMANDS:
        return (
            f"the name {plugin.modality!r} is that of a command: unlabeled {plugin.modality}",
            f"tell the authors of {name}",
        )
    if plugin.api > PLUGIN_API:
        return (
            f"speaks contract {plugin.api}, this core speaks up to {PLUGIN_API}",
            f"pip install --upgrade {CORE}",
        )
    if plugin.api < OLDEST_PLUGIN_API:
        return (
            f"speaks contract {plugin.api}, this core needs at least {OLDEST_PLUGIN_API}",
            f"pip install --upgrade {name}",
        )
    return "", ""


def _claimed_twice(
    point: EntryPoint, dist: Distribution, points: list[tuple[EntryPoint, Distribution]]
) -> Found:
    claimants = sorted(d.metadata["Name"] for p, d in points if p.name == point.name)
    return Found(
        point.name,
        dist.metadata["Name"],
        dist.version,
        problem=f"the name {point.name!r} is claimed by {' and '.join(claimants)}",
        fix=f"pip uninstall {claimants[-1]}   (or the other one)",
    )


def _core_version() -> str:
    try:
        return distribution(CORE).version
    except PackageNotFoundError as error:
        raise PluginError(f"{CORE} is imported but not installed: pip install {CORE}") from error


def kinds_of(plugin: Plugin) -> Iterator[tuple[str, str, Component]]:
    """(kind, name, component) for everything in a manifest."""
    for kind in KINDS:
        for name, component in sorted(plugin.components(kind).items()):
            yield kind, name, component
