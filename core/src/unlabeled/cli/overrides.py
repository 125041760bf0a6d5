"""Flags that set a recipe's values: `--pretext.mask-ratio 0.6` or `--training.lr=1e-3`."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from unlabeled.errors import UsageError


def parse_overrides(tokens: Sequence[str], flags: Sequence[str] = ()) -> dict[str, Any]:
    """Nested overrides from `--section.key value` tokens; `-` and `_` are equal in keys.

    flags: the command's own, to suggest the nearest. Raises UsageError.
    """
    overrides: dict[str, Any] = {}
    rest = list(tokens)
    while rest:
        flag = rest.pop(0)
        name, equals, value = flag.partition("=")
        if not name.startswith("--") or "." not in name:
            raise UsageError(_unknown(name, flags))
        if not equals:
            if not rest:
                raise UsageError(f"{name}: expected a value after it, found nothing.")
            value = rest.pop(0)
        _set(overrides, name.removeprefix("--").replace("-", "_").split("."), _read(value))
    return overrides


def _set(overrides: dict[str, Any], path: Sequence[str], value: Any) -> None:
    section = overrides
    for key in path[:-1]:
        section = section.setdefault(key, {})
        if not isinstance(section, dict):
            raise UsageError(f"--{'.'.join(path)}: {key} is already set to {section!r}.")
    section[path[-1]] = value


def _read(text: str) -> Any:
    """Text stays text, so that settings decide what it means; lists, sections and null are YAML."""
    if text[:1] not in ("[", "{") and text not in ("null", "none"):
        return text
    try:
        return None if text == "none" else yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UsageError(f"{text!r} cannot be read as a YAML value.") from error


def _unknown(name: str, flags: Sequence[str]) -> str:
    if not name.startswith("-"):
        return f"{name!r}: one argument too many. Settings are given as --section.key value."
    near = difflib.get_close_matches(name, flags, 1, cutoff=0.5)
    hint = f"Did you mean {near[0]}?" if near else "Recipe settings are --section.key value."
    return f"{name}: unknown flag. {hint}"


def flatten(sections: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """`{"training": {"epochs": 5}}` → `{"training.epochs": 5}`; lists stay whole."""
    flat: dict[str, Any] = {}
    for key, value in sections.items():
        if isinstance(value, Mapping) and value:
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat
