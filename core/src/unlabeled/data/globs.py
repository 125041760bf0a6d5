"""Globs and name patterns: what `include`, `exclude` and `pattern` mean, for every reader.

Without a slash they match a name, with one the path below the folder. A glob that matches a folder
matches everything in it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from unlabeled.errors import RecipeError

FIELD = re.compile(r"\{(\w+)\}")
WILDCARD = re.compile(r"\*\*/|\*\*|\*|\?|\[!?[^\]]+\]")


def fits(name: str, glob: str) -> bool:
    """Whether a path, or a folder that it lies in, fits `glob`.

    `*` and `?` stand for anything but a slash, `**` for any folders, `[ab]` for one of a few.
    """
    expression = _compile_glob(glob)
    places = [place for place, letter in enumerate(name) if letter == "/"]
    return any(expression.fullmatch(name[:end]) for end in (len(name), *places))


def compile_pattern(
    pattern: str, values: Mapping[str, Sequence[str]] | None = None
) -> re.Pattern[str]:
    """`{speaker}_{take}.wav` as a regular expression with a named group per field.

    A field contains no slash; one that occurs twice has the same value in both places. values: the
    allowed values of a field. Raises RecipeError.
    """
    return _compile_pattern(pattern, tuple((k, tuple(v)) for k, v in (values or {}).items()))


def fields_of(pattern: str) -> tuple[str, ...]:
    """The names of the fields, each once, in their order."""
    return tuple(dict.fromkeys(FIELD.findall(pattern)))


@lru_cache(maxsize=256)
def _compile_glob(glob: str) -> re.Pattern[str]:
    expression, end = "", 0
    for found in WILDCARD.finditer(glob.removeprefix("./").rstrip("/")):
        expression += re.escape(glob.removeprefix("./")[end : found.start()])
        expression += _wildcard(found.group())
        end = found.end()
    expression += re.escape(glob.removeprefix("./").rstrip("/")[end:])
    return re.compile(expression if "/" in glob.rstrip("/") else f"(?:.*/)?{expression}", re.DOTALL)


def _wildcard(text: str) -> str:
    if text.startswith("["):
        inner = text[1:-1].replace("\\", r"\\")
        return f"[^/{inner[1:]}]" if inner.startswith("!") else f"[{inner}]"
    return {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}[text]


@lru_cache(maxsize=64)
def _compile_pattern(
    pattern: str, values: tuple[tuple[str, tuple[str, ...]], ...]
) -> re.Pattern[str]:
    texts, allowed, seen = FIELD.split(pattern), dict(values), set[str]()
    expression = "" if "/" in pattern else "(?:.*/)?"
    for place, text in enumerate(texts):
        if place % 2 == 0:
            expression += re.escape(text)
        elif text in seen:
            expression += f"(?P={text})"
        else:
            expression += f"(?P<{text}>{_any_of(allowed.get(text, ()))})"
            seen.add(text)
    try:
        return re.compile(expression, re.DOTALL)
    except re.error as error:
        raise RecipeError(f"reader.pattern: {pattern!r} has a field without a name") from error


def _any_of(values: Sequence[str]) -> str:
    # The longest first: where S2 and S2B are known, S2B is not S2 and a rest.
    return "|".join(map(re.escape, sorted(values, key=len, reverse=True))) or "[^/]+?"
