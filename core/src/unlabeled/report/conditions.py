"""Scores at several numeric conditions as curves: one line per candidate, with its intervals."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from markupsafe import Markup

from unlabeled.evaluation.result import Row, ScoreTable
from unlabeled.report.charts import Frame, level, nice_ticks, svg

WIDE = 10
"""Conditions that differ by this factor or more lie on a logarithmic axis."""
MOST_TICKS = 7
APART = 5.0
"""Distance between the intervals of two candidates at one condition, in units of the view box."""


@dataclass(frozen=True, slots=True)
class Curves:
    """Scores of everybody over one condition. keys: (CSS classes, name) of each line."""

    title: str
    drawn: Markup
    keys: tuple[tuple[str, str], ...]


def curves_of(tables: Sequence[ScoreTable]) -> list[Curves]:
    """One chart for each score that there is at two or more values of a numeric condition.

    Where several conditions are numbers, the one with most values is the axis. Text conditions, and
    numbers of which there is one, stand in the title.
    """
    found: list[Curves] = []
    for family in _families(tables):
        axis = _axis(family)
        if axis is None:
            continue
        parts: dict[str, list[ScoreTable]] = {}
        for table in family:
            parts.setdefault(json.dumps(_rest(table, axis), sort_keys=True), []).append(table)
        drawn = (_curves(part, axis) for part in parts.values() if len(part) > 1)
        found += [each for each in drawn if each]
    return found


def _families(tables: Sequence[ScoreTable]) -> list[list[ScoreTable]]:
    """Tables of one score whose conditions have the same names and the same texts."""
    found: dict[str, list[ScoreTable]] = {}
    for table in tables:
        texts = {name: None if _is_number(v) else v for name, v in table.at.items()}
        key = json.dumps([table.metric, table.unit, table.higher_is_better, texts], sort_keys=True)
        found.setdefault(key, []).append(table)
    return list(found.values())


def _axis(family: Sequence[ScoreTable]) -> str | None:
    """The numeric condition with most values, if it has two."""
    numeric = [name for name, value in family[0].at.items() if _is_number(value)]
    counts = {name: len({table.at[name] for table in family}) for name in numeric}
    best = max(counts, key=lambda name: counts[name], default=None)
    return best if best is not None and counts[best] > 1 else None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _rest(table: ScoreTable, axis: str) -> dict[str, str | int | float]:
    return {name: value for name, value in table.at.items() if name != axis}


def _curves(tables: Sequence[ScoreTable], axis: str) -> Curves | None:
    """None where nothing is defined. tables: those of one chart."""
    tables = sorted(tables, key=lambda table: float(table.at[axis]))
    names = [(row.name, row.kind) for row in tables[0].rows]
    lines = [_points(tables, axis, name) for name, _ in names]
    every = [point for line in lines for point in line]
    if not every:
        return None
    values = [float(table.at[axis]) for table in tables]
    logarithmic = min(values) > 0 and max(values) / min(values) >= WIDE
    place: Callable[[float], float] = math.log10 if logarithmic else float
    low = min(row.interval.low if row.interval else y for _, y, row in every)
    high = max(row.interval.high if row.interval else y for _, y, row in every)
    ticks = nice_ticks(low, high)
    frame = Frame(
        *(420, 240, 52, 38), (place(values[0]), place(values[-1])), (ticks[0], ticks[-1]), 22
    )
    styles = _styles([kind for _, kind in names])
    parts = [level(frame, tick) for tick in ticks] + _below(frame, values, place)
    axis_name = f"{axis} (log scale)" if logarithmic else axis
    parts.append(f'<text class="middle" x="236" y="{frame.height - 4}">{escape(axis_name)}</text>')
    # The pretrained last, so that nothing covers it.
    for n in reversed(range(len(names))):
        points = [(place(x), y, row) for x, y, row in lines[n]]
        shift = APART * (n - (len(names) - 1) / 2)
        parts += _line(frame, points, styles[n], shift, band=names[n][1] == "random")
    conditions = "".join(f", {name} {value}" for name, value in _rest(tables[0], axis).items())
    title = f"{tables[0].heading} by {axis}{conditions}"
    keys = tuple((style, name) for style, (name, _) in zip(styles, names, strict=True))
    return Curves(title, svg(f"{title}, with 95 % intervals", frame, parts), keys)


def _points(tables: Sequence[ScoreTable], axis: str, name: str) -> list[tuple[float, float, Row]]:
    found = ((float(t.at[axis]), row) for t in tables for row in t.rows if row.name == name)
    return [(x, row.score, row) for x, row in found if row.score is not None]


def _styles(kinds: Sequence[str]) -> list[str]:
    """CSS classes: the kind's colour, and a dash of its own for each further one of a kind."""
    seen: dict[str, int] = {}
    styles = []
    for kind in kinds:
        number = seen[kind] = seen.get(kind, -1) + 1
        styles.append(f"{kind} dash{number % 4}" if number else kind)
    return styles


def _line(
    frame: Frame,
    points: Sequence[tuple[float, float, Row]],
    style: str,
    shift: float,
    *,
    band: bool,
) -> list[str]:
    """A line with a dot at each condition, and intervals as a band or as whiskers."""
    known = [(x, row.interval) for x, _, row in points if row.interval]
    parts = []
    if band and len(known) > 1:
        edge = [frame.at(x, each.high) for x, each in known]
        edge += [frame.at(x, each.low) for x, each in reversed(known)]
        parts.append(f'<polygon class="band {style}" points="{_joined(edge)}"/>')
    elif not band:
        for x, each in known:
            (a, top), (_, bottom) = frame.at(x, each.high), frame.at(x, each.low)
            a = round(a + shift, 2)
            whisker = f'x1="{a}" x2="{a}" y1="{top}" y2="{bottom}"'
            parts.append(f'<line class="whisker {style}" {whisker}/>')
    at = [frame.at(x, y) for x, y, _ in points]
    parts.append(f'<polyline class="path {style}" points="{_joined(at)}"/>')
    parts += [f'<circle class="mark {style}" cx="{x}" cy="{y}" r="3"/>' for x, y in at]
    return parts


def _joined(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x},{y}" for x, y in points)


def _below(frame: Frame, values: Sequence[float], place: Callable[[float], float]) -> list[str]:
    """The conditions, or some of them where there are many, below the axis."""
    step = math.ceil(len(set(values)) / MOST_TICKS)
    shown = sorted(set(values))[::step]
    places = [(frame.at(place(value), frame.y[0])[0], value) for value in shown]
    y = frame.height - frame.bottom + 14
    return [f'<text class="tick middle" x="{x}" y="{y}">{value:.6g}</text>' for x, value in places]
