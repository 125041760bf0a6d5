"""How commands print: a table for people, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table


def print_json(value: object) -> None:
    """One JSON document on stdout."""
    print(json.dumps(value, indent=2, default=str))  # noqa: T201


def print_table(rows: Sequence[Mapping[str, Any]], *, right: Sequence[str] = ()) -> None:
    """rows: equal keys, which are the headings; right: the columns aligned to the right."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in rows[0] if rows else ():
        table.add_column(heading, justify="right" if heading in right else "left")
    for row in rows:
        table.add_row(*(str(value) for value in row.values()))
    console().print(table)


def console() -> Console:
    """Stdout, wide enough that a pipe does not break lines."""
    found = Console(markup=False, highlight=False, soft_wrap=True)
    if not found.is_terminal:
        found.width = 200
    return found
