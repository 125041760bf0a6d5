"""Progress of a training run: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from unlabeled.progress import SECONDS_BETWEEN_LINES, stderr

HEALTH = "health_feature_std"
"""A column of rows for which health was examined."""

SHOWN = (HEALTH, "health_effective_rank")
"""The measures of health that fit into a line; the report has all."""


class Display(Protocol):
    """Shows a run."""

    def note(self, text: str) -> None:
        """A line that stays."""

    def row(self, row: Mapping[str, Any], items: int) -> None:
        """A row of `metrics.jsonl`, and how many items the step took."""


@contextmanager
def display(total_steps: int, start: int, *, quiet: bool) -> Iterator[Display]:
    """The display for this stream: nothing, a bar, or lines. It writes to stderr, because stdout is
    for the result of the command."""
    console = stderr()
    if quiet:
        yield Silence()
    elif console.is_terminal:
        with _bar(console) as bar:
            yield OnTerminal(bar, total_steps, start)
    else:
        yield OnLines(console, total_steps, start)


class Silence:
    """Shows nothing."""

    def note(self, text: str) -> None: ...

    def row(self, row: Mapping[str, Any], items: int) -> None: ...


class Bar(Progress):
    """A bar with time left and throughput, and a line below for loss terms and health."""

    terms = ""

    def get_renderables(self) -> Iterable[RenderableType]:
        yield from super().get_renderables()
        yield self.terms


class OnTerminal:
    """Throughput, time left, loss terms and health, always at the same place."""

    def __init__(self, bar: Bar, total_steps: int, start: int) -> None:
        self._bar = bar
        self._task = bar.add_task("training", total=total_steps, completed=start, speed="")
        self._speed = Speed()
        self._health = ""

    def note(self, text: str) -> None:
        self._bar.console.print(text, markup=False)

    def row(self, row: Mapping[str, Any], items: int) -> None:
        self._health = _health(row) or self._health
        self._bar.terms = "\n".join(filter(None, [_losses(row), self._health]))
        speed = f"{self._speed.of(row, items):.4g} items/s"
        self._bar.update(self._task, completed=row["step"], speed=speed)


class OnLines:
    """A line now and then, at the last step, and whenever health was computed."""

    def __init__(self, console: Console, total_steps: int, start: int) -> None:
        self._console, self._total = console, total_steps
        self._speed = Speed()
        self._last = 0.0
        self._start = start

    def note(self, text: str) -> None:
        self._console.print(text, markup=False)

    def row(self, row: Mapping[str, Any], items: int) -> None:
        speed = self._speed.of(row, items)
        now = time.monotonic()
        due = now - self._last >= SECONDS_BETWEEN_LINES
        if not (due or HEALTH in row or row["step"] in (self._start + 1, self._total)):
            return
        self._last = now
        left = (self._total - row["step"]) * self._speed.seconds
        parts = [
            f"step {row['step']}/{self._total}",
            _losses(row),
            _health(row),
            f"{speed:.4g} items/s",
            f"{_clock(left)} left",
        ]
        self.note("  ".join(filter(None, parts)))


class Speed:
    """Items per second, as a moving average over about 50 steps."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def of(self, row: Mapping[str, Any], items: int) -> float:
        new = float(row["timing_step"])
        self.seconds = 0.98 * self.seconds + 0.02 * new if self.seconds else new
        return items / max(self.seconds, 1e-9)


def _bar(console: Console) -> Bar:
    return Bar(
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[speed]}"),
        console=console,
    )


def _health(row: Mapping[str, Any]) -> str:
    return _numbers({name.removeprefix("health_"): row.get(name) for name in SHOWN})


def _losses(row: Mapping[str, Any]) -> str:
    return _numbers({key: value for key, value in row.items() if key.startswith("loss")})


def _numbers(values: Mapping[str, Any]) -> str:
    shown = ((name, value) for name, value in values.items() if isinstance(value, float))
    return "  ".join(f"{name} {value:.4g}" for name, value in shown)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}"
