"""Progress on standard error: a bar in a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

SECONDS_BETWEEN_LINES = 10.0


class Advance(Protocol):
    def __call__(self, count: int) -> None:
        """Add to the number done."""


@contextmanager
def progress(task: str, total: int, unit: str = "items") -> Iterator[Advance]:
    """Show the progress of `task`; call the yielded function with the number of `unit` just
    done."""
    console = stderr()
    if console.is_terminal:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn(unit),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=console, transient=True) as bar:
            identity = bar.add_task(task, total=total)
            yield lambda count: bar.advance(identity, count)
    else:
        yield _Lines(task, total, unit, console)


def stderr() -> Console:
    """Where progress and notes go: the output stream belongs to results."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def say(text: str) -> None:
    """Write lines to standard error, as they are."""
    stderr().print(text, markup=False)


class _Lines:
    def __init__(self, task: str, total: int, unit: str, console: Console) -> None:
        self.task, self.total, self.unit, self.console = task, total, unit, console
        self.done = 0
        self.shown = time.monotonic()

    def __call__(self, count: int) -> None:
        self.done += count
        now = time.monotonic()
        if now - self.shown >= SECONDS_BETWEEN_LINES:
            self.shown = now
            self.console.print(f"{self.task}: {self.done} of {self.total} {self.unit}")
