"""Text of a flag (`--reader.pattern "{label}_{speaker}.wav"`), interpreted by the type of its
setting.

Where a setting can be text, it is that text. Elsewhere `[…]` and `{…}` are lists and sections in
YAML, and `none` or `null` is nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from unlabeled.plain_yaml import NotPlain, parse_yaml

NOTHING = ("none", "null")


class FlagText(str):
    """Text that is not interpreted yet."""

    __slots__ = ()

    def section(self) -> Any:
        """The values of `{…}`, to lay over a section that is there; otherwise the text."""
        try:
            found = parse_yaml(self) if self.startswith("{") else self
        except NotPlain:
            return self
        return found if isinstance(found, Mapping) else self


def settle(model: type[BaseModel], values: Mapping[str, Any]) -> dict[str, Any]:
    """The values with each FlagText converted to the type of its setting; for Any it stays
    FlagText."""
    fields = model.model_fields
    return {
        key: _settled(fields[key].annotation if key in fields else str, value)
        for key, value in values.items()
    }


def _settled(annotation: Any, value: Any) -> Any:
    kinds = list(_members(annotation))
    if isinstance(value, FlagText):
        return value if Any in kinds else _read(kinds, value)
    if isinstance(value, Mapping):
        models = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)]
        named = [m for m in models if value.get("name") in _names(m)] or models
        if named:
            return settle(named[0], value)
        inner = [get_args(kind)[1] for kind in kinds if _is(kind, Mapping) and get_args(kind)]
        return {key: _settled(inner[0] if inner else Any, each) for key, each in value.items()}
    return value


def _read(kinds: list[Any], text: FlagText) -> Any:
    """What the text is for a setting of one of these kinds; pydantic converts numbers."""
    plain = str(text)
    if any(get_origin(kind) is Literal and plain in get_args(kind) for kind in kinds):
        return plain
    if plain in NOTHING and NoneType in kinds:
        return None
    nested = {"[": (Sequence,), "{": (Mapping, BaseModel)}.get(plain[:1], ())
    if any(_is(kind, each) for kind in kinds for each in nested):
        try:
            return parse_yaml(plain)
        except NotPlain:  # a glob such as [ab]*.wav, or a slip that pydantic names
            return plain
    return plain


def _members(annotation: Any) -> Iterator[Any]:
    """The kinds of value that an annotation names, unions and `Annotated` opened."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _members(get_args(annotation)[0])
    elif origin in (Union, UnionType):
        for each in get_args(annotation):
            yield from _members(each)
    else:
        yield annotation


def _is(kind: Any, base: type) -> bool:
    found = get_origin(kind) or kind
    return isinstance(found, type) and issubclass(found, base) and found not in (str, Path)


def _names(model: type[BaseModel]) -> tuple[Any, ...]:
    name = model.model_fields.get("name")
    return get_args(name.annotation) if name is not None else ()
