"""Validate settings, or raise one error that names the key and the fix.

pydantic checks; its own wording and addresses never reach the user.
"""

from __future__ import annotations

import re
import typing
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from unlabeled.did_you_mean import did_you_mean
from unlabeled.errors import RecipeError
from unlabeled.flag_text import settle
from unlabeled.settings import Settings

S = TypeVar("S", bound=Settings)

EXPECTED = {
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_parsing": "a number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "string_type": "text",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a section of `key: value`",
    "model_type": "a section of `key: value`",
    "model_attributes_type": "a section of `key: value`",
    "path_type": "a path",
    "none_required": "nothing",
}
BOUNDS = {
    "greater_than": ("gt", "more than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
    "too_short": ("min_length", "a length of at least"),
    "too_long": ("max_length", "a length of at most"),
    "string_too_short": ("min_length", "a length of at least"),
    "multiple_of": ("multiple_of", "a multiple of"),
}


def validate(model: type[S], values: object, where: str) -> S:
    """Check `values` (a mapping of keys to values) against `model`.

    where: the place in the user's words, "recipe digits.yaml, pretext". Raises RecipeError with one
    line per problem.
    """
    if not isinstance(values, Mapping):
        raise RecipeError(f"{where}: expected a section of `key: value`, found {values!r}")
    try:
        return model.model_validate(settle(model, values))
    except ValidationError as error:
        problems = {_describe(model, detail, where): None for detail in error.errors()}
        raise RecipeError("\n".join(problems)) from error


def _describe(model: type[BaseModel], detail: Mapping[str, Any], where: str) -> str:
    kind, location = detail["type"], list(detail["loc"])
    key = str(location.pop()) if kind == "extra_forbidden" else ""
    path, parent = _walk(model, location)
    place = ".".join(filter(None, [where, *path, key]))
    if kind == "extra_forbidden":
        return f"{place}: unknown key.{did_you_mean(key, sorted(parent.model_fields))}"
    if kind == "missing":
        return f"{place}: is required and not set."
    if kind in ("value_error", "assertion_error"):
        return f"{place}: {detail['ctx']['error']}"
    if kind == "union_tag_invalid":
        tag, tags = detail["ctx"]["tag"], str(detail["ctx"]["expected_tags"])
        names = re.findall(r"'(.*?)'", tags)
        return f"{place}: there is no {tag!r}.{did_you_mean(tag, sorted(names))}"
    return f"{place}: expected {_expected(detail)}, found {_shown(detail['input'])}."


def _expected(detail: Mapping[str, Any]) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind in BOUNDS:
        key, words = BOUNDS[kind]
        return f"{words} {context[key]}"
    if kind == "literal_error":
        return f"one of {context['expected']}"
    return EXPECTED.get(kind, f"another kind of value ({kind.replace('_', ' ')})")


def _shown(value: object) -> str:
    return "a section" if isinstance(value, Mapping) else repr(value)


def _walk(
    model: type[BaseModel], location: Sequence[int | str]
) -> tuple[list[str], type[BaseModel]]:
    """The keys of the path as the user wrote them, and the settings model at its end.

    pydantic's locations also hold the names of union members, which the user never wrote.
    """
    path, candidates = [], [model]
    for part in location:
        fields = candidates[0].model_fields if candidates else {}
        if isinstance(part, int):
            path.append(str(part))
        elif part in fields:
            path.append(part)
            candidates = _models_in(fields[part].annotation)
        else:
            candidates = [m for m in candidates if _is_called(m, part)] or candidates
    return path, candidates[0] if candidates else model


def _is_called(model: type[BaseModel], tag: str) -> bool:
    name = model.model_fields.get("name")
    return model.__name__ == tag or (name is not None and tag in typing.get_args(name.annotation))


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type):
        return [annotation] if issubclass(annotation, BaseModel) else []
    return [m for argument in typing.get_args(annotation) for m in _models_in(argument)]
