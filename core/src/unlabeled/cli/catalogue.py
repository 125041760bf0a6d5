"""`unlabeled plugins`, `recipes` and `describe`: what is installed. Imports nothing heavy."""

from __future__ import annotations

from dataclasses import asdict
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from cyclopts import Parameter, validators

from unlabeled import discovery
from unlabeled.cli.printing import console, print_json, print_table, typed
from unlabeled.did_you_mean import did_you_mean
from unlabeled.errors import PluginError
from unlabeled.plugin import KINDS, Component

Positive = Annotated[int, Parameter(validator=validators.Number(gte=1))]
Json = Annotated[bool, Parameter(help="Print JSON.", negative="")]


def plugins(*, json: Json = False) -> None:
    """List installed plugins, and for an unhealthy one the reason and the fix."""
    records = discovery.discover()
    if json:
        print_json([_record(found) for found in records])
        return
    if not records:
        console().print(
            "No plugin is installed. For sound, for example: pip install unlabeled-audio"
        )
        return
    print_table(
        [
            {
                "plugin": found.modality,
                "distribution": found.distribution,
                "version": found.version,
                "state": "unusable" if found.problem else "slow" if found.warning else "healthy",
                "summary": found.plugin.summary if found.plugin and found.healthy else "",
            }
            for found in records
        ]
    )
    for found in records:
        if found.problem or found.warning:
            console().print(
                f"{found.distribution}: {found.problem or found.warning}\n  {found.fix}"
            )


def recipes(modality: str | None = None, *, json: Json = False) -> None:
    """List the recipes, one line each, with their sources.

    Parameters
    ----------
    modality
        Only this plugin's; all if left out.
    """
    records = [discovery.usable(modality)] if modality else discovery.discover()
    rows = [
        {
            "recipe": f"{found.modality}/{name}",
            "summary": component.summary + (" (experimental)" if component.experimental else ""),
            "source": component.source,
        }
        for found in records
        if found.healthy and found.plugin
        for name, component in sorted(found.plugin.recipes.items())
    ]
    if json:
        print_json(rows)
    elif rows:
        print_table(rows)
    else:
        console().print("No recipe. unlabeled plugins shows what is installed.")


def describe(name: str, *, json: Json = False) -> None:
    """Describe a plugin, a recipe or a component, and its settings.

    Parameters
    ----------
    name
        A plugin (`audio`), or a recipe or component (`audio/ssast`, `barlow_twins`).
    """
    installed = {found.modality for found in discovery.discover()}
    described = _describe_plugin(name) if name in installed else _describe_components(name)
    if json:
        print_json(described)
        return
    for entry in described:
        heading = f"{entry['kind']} {entry['name']}"
        console().print(f"{heading}: {entry['summary']}" if entry["summary"] else heading)
        if entry["source"]:
            console().print(f"  source: {entry['source']}")
        for setting in entry.get("settings", []):
            default = f" = {setting['default']}" if "default" in setting else " (required)"
            console().print(f"  {setting['name']}: {setting['type']}{default}")
            if setting["help"]:
                console().print(f"      {setting['help']}")
        if "text" in entry:
            console().print(entry["text"])


def _record(found: discovery.Found) -> dict[str, Any]:
    plugin = found.plugin
    return {
        "plugin": found.modality,
        "distribution": found.distribution,
        "version": found.version,
        "healthy": found.healthy,
        "problem": found.problem,
        "warning": found.warning,
        "fix": found.fix,
        "summary": plugin.summary if plugin else "",
        "components": {kind: sorted(plugin.components(kind)) for kind in KINDS} if plugin else {},
    }


def _describe_plugin(modality: str) -> list[dict[str, Any]]:
    found = discovery.usable(modality)
    assert found.plugin is not None
    head = {
        "kind": "plugin",
        "name": modality,
        "summary": found.plugin.summary,
        "source": f"{found.distribution} {found.version}",
    }
    parts = [
        _entry(kind, f"{modality}/{name}", component)
        for kind, name, component in discovery.kinds_of(found.plugin)
    ]
    return [head, *parts]


def _describe_components(name: str) -> list[dict[str, Any]]:
    kinds = [kind for kind in KINDS if name in discovery.component_names(kind)]
    if not kinds:
        modality = name.partition("/")[0]
        if "/" in name:
            discovery.usable(modality)
        every = [known for kind in KINDS for known in discovery.component_names(kind)]
        raise PluginError(f"nothing is called {name!r}.{did_you_mean(name, every)}")
    entries = []
    for kind in kinds:
        entry = _entry(kind, name, discovery.find(kind, name))
        if kind == "recipes":
            entry["text"] = discovery.recipe_path(name).read_text(encoding="utf-8")
        else:
            entry["settings"] = _settings(kind, name)
        entries.append(entry)
    return entries


def _entry(kind: str, name: str, component: Component) -> dict[str, Any]:
    fields = asdict(component)
    return {"kind": kind[:-1], "name": name, **fields}


def _settings(kind: str, name: str) -> list[dict[str, Any]]:
    """The settings of a component; this imports its code."""
    from unlabeled.settings import settings_type

    model = settings_type(discovery.load(kind, name))
    described = []
    for key, field in getattr(model, "model_fields", {}).items():
        entry = {"name": key, "type": type_name(field.annotation), "help": field.description or ""}
        if not field.is_required():
            entry["default"] = typed(_plain(field.default))
        described.append(entry)
    return described


def _plain(default: Any) -> Any:
    from pydantic import BaseModel

    return default.model_dump(mode="json") if isinstance(default, BaseModel) else default


def type_name(annotation: Any) -> str:
    """The type in words: "whole number", "one of layer, mlp, linear", "number or none"."""
    if annotation in WORDS:
        return WORDS[annotation]
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return f"one of {', '.join(map(str, arguments))}"
    if origin is Annotated:
        return type_name(arguments[0])
    if origin in (Union, UnionType):
        return " or ".join(map(type_name, arguments))
    if origin in (tuple, list):
        return f"list of {' and '.join(type_name(each) for each in arguments if each is not ...)}"
    return "section" if isinstance(annotation, type) or origin else str(annotation)


WORDS: dict[Any, str] = {
    int: "whole number",
    float: "number",
    bool: "true or false",
    str: "text",
    type(None): "none",
}
