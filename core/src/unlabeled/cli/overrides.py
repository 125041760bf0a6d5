"""Flags that set a recipe's values: `--pretext.mask-ratio 0.6` or `--training.lr=1e-3`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from unlabeled.did_you_mean import did_you_mean
from unlabeled.errors import UsageError
from unlabeled.flag_text import FlagText


def parse_overrides(
    tokens: Sequence[str], flags: Sequence[str] = (), *, section: str = ""
) -> dict[str, Any]:
    """Nested overrides from `--section.key value` tokens; `-` and `_` are equal in keys.

    flags: the command's own, to suggest the nearest; section: the only one that the command takes,
    if it takes one only. Raises UsageError.
    """
    overrides: dict[str, Any] = {}
    rest = list(tokens)
    while rest:
        flag = rest.pop(0)
        name, equals, value = flag.partition("=")
        if not name.startswith("--") or "." not in name:
            raise UsageError(_unknown(name, flags))
        if section and not name.startswith(f"--{section}."):
            raise UsageError(f"{name}: this command takes settings of --{section} only.")
        if not equals:
            if not rest:
                raise UsageError(f"{name}: expected a value after it, found nothing.")
            value = rest.pop(0)
        _set(overrides, name.removeprefix("--").replace("-", "_").split("."), FlagText(value))
    return overrides


def _set(overrides: dict[str, Any], path: Sequence[str], value: Any) -> None:
    section = overrides
    for key in path[:-1]:
        section = section.setdefault(key, {})
        if not isinstance(section, dict):
            raise UsageError(f"--{'.'.join(path)}: {key} is already set to {section!r}.")
    section[path[-1]] = value


def _unknown(name: str, flags: Sequence[str]) -> str:
    if not name.startswith("-"):
        return f"{name!r}: one argument too many. Settings are given as --section.key value."
    hint = did_you_mean(name, flags, "Recipe settings are --section.key value.")
    return f"{name}: unknown flag.{hint}"


def flatten(sections: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """`{"training": {"epochs": 5}}` → `{"training.epochs": 5}`; lists stay whole."""
    flat: dict[str, Any] = {}
    for key, value in sections.items():
        if isinstance(value, Mapping) and value:
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat
