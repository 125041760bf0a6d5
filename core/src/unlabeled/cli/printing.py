"""Output of commands: a table for people, JSON for programs. Notes and progress go to stderr."""

from __future__ import annotations

import json
import math
import os
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from typing import Any, TextIO

from rich import box
from rich.console import Console
from rich.table import Table

from unlabeled.commands import is_first_process

WIDE = 100_000
"""Width if the output is not a terminal, so that nothing is wrapped or cut."""
_document: list[TextIO] = []
"""The stream for the JSON document, while everything else goes to stderr."""


@contextmanager
def one_document() -> Iterator[None]:
    """Keep stdout for `print_json`: whatever a library prints goes to stderr."""
    _document.append(sys.stdout)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        _document.pop()


def print_json(value: object) -> None:
    """One JSON document on stdout, by the first process; numbers that are not finite are null."""
    if is_first_process():
        text = json.dumps(_finite(value), indent=2, default=str, allow_nan=False)
        print(text, file=_document[-1] if _document else sys.stdout)


def print_result(result: Mapping[str, Any], *, json: bool) -> None:
    """Print the result of a plugin's command: one JSON document, or a line per value."""
    if json:
        print_json(result)
        return
    for name, value in result.items():
        if isinstance(value, list | tuple):
            console().print("\n".join(map(str, value)))
        else:
            console().print(f"{name}: {value}")


def print_table(rows: Sequence[Mapping[str, Any]], *, right: Sequence[str] = ()) -> None:
    """rows: equal keys, which are the headings; right: the columns aligned to the right."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in rows[0] if rows else ():
        table.add_column(heading, justify="right" if heading in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(str(value) for value in row.values()))
    console().print(table)


def console() -> Console:
    """Stdout of the first process, wide enough that a pipe does not break lines."""
    found = Console(markup=False, highlight=False, soft_wrap=True, quiet=not is_first_process())
    if not found.is_terminal:
        found.width = WIDE
    return found


def typed(value: object) -> str:
    """A setting's value as it can be typed after its flag in a shell."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping | list | tuple):
        return shlex.quote(json.dumps(value, default=str, ensure_ascii=False))
    return shlex.quote(os.fspath(value) if isinstance(value, os.PathLike) else str(value))


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(key): _finite(each) for key, each in value.items()}
    return [_finite(each) for each in value] if isinstance(value, list | tuple) else value
