"""Classes of other libraries that a recipe may name, each with the arguments that it may give.

An adapter to another library holds such a table, and refuses everything that is not in it:
libraries resolve text as import paths, take callables or open files, and a recipe must not run
code. For this reason no type in a table is `Any`, a callable or free text; words are a `Literal`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, TypeAlias

from pydantic import create_model

from unlabeled.did_you_mean import did_you_mean
from unlabeled.errors import RecipeError
from unlabeled.settings import Settings
from unlabeled.validation import validate

Allowed: TypeAlias = Mapping[str, Mapping[str, Any]]
"""Name of a class → name of an argument → its type."""


def allowed_name(allowed: Allowed, name: str, where: str) -> str:
    """The name, if the table has it. Raises RecipeError with the nearest one."""
    if name not in allowed:
        raise RecipeError(
            f"{where}: {name!r} is not among the allowed ones.{did_you_mean(name, sorted(allowed))}"
        )
    return name


def allowed_arguments(
    allowed: Allowed, name: str, arguments: Mapping[str, Any], where: str
) -> dict[str, Any]:
    """The arguments, converted to the types of the table ("2" to 2, lists to tuples).

    Raises RecipeError for a name that the table does not have, and for a value of another type.
    """
    types = allowed[allowed_name(allowed, name, where)]
    model = _model(name, tuple(types.items()))
    return validate(model, arguments, f"{where}, {name}").model_dump(exclude_unset=True)


@cache
def _model(name: str, types: tuple[tuple[str, Any], ...]) -> type[Settings]:
    fields: dict[str, Any] = {key: (kind | None, None) for key, kind in types}
    model: type[Settings] = create_model(name, __base__=Settings, **fields)
    return model
