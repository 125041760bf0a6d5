"""Small charts as inline SVG, ready for a page: texts are escaped, its style sheet colours them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from markupsafe import Markup

MOST_POINTS = 300
"""Longer curves are averaged over stretches of equal length."""


@dataclass(frozen=True, slots=True)
class Frame:
    """The plotting area, in the units of the view box, and the values at its edges."""

    width: float
    height: float
    left: float
    bottom: float
    x: tuple[float, float]
    y: tuple[float, float]
    right: float = 8

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Where a point lies; y grows upwards."""
        across = _share(x, self.x) * (self.width - self.left - self.right)
        up = _share(y, self.y) * (self.height - self.bottom - 8)
        return round(self.left + across, 2), round(self.height - self.bottom - up, 2)


@dataclass(frozen=True, slots=True)
class Line:
    """Values over steps; those that are not finite are left out."""

    name: str
    x: Sequence[float]
    y: Sequence[float]

    @property
    def points(self) -> list[tuple[float, float]]:
        """At most MOST_POINTS."""
        found = [(a, b) for a, b in zip(self.x, self.y, strict=True) if math.isfinite(b)]
        return _thinned(found) if found else []


def curve(title: str, x: Sequence[float], y: Sequence[float]) -> Markup:
    """A line over steps."""
    return curves(title, [Line("", x, y)])


def curves(title: str, lines: Sequence[Line]) -> Markup:
    """Lines over steps on the same axes, in the colours l0, l1 … of the style sheet.

    The script reads the axes from `data-` attributes, to say values and to smooth.
    """
    drawn = [(n, line.name, line.points) for n, line in enumerate(lines) if line.points]
    if not drawn:
        return Markup()
    every = [point for _, _, points in drawn for point in points]
    ticks = nice_ticks(min(b for _, b in every), max(b for _, b in every))
    span = (min(a for a, _ in every), max(a for a, _ in every))
    frame = Frame(420, 180, 52, 24, span, (ticks[0], ticks[-1]))
    parts = [level(frame, tick) for tick in ticks]
    parts += [_below(frame, step) for step in dict.fromkeys(span)]
    for n, name, points in drawn:
        line = " ".join(f"{a},{b}" for a, b in (frame.at(*point) for point in points))
        x, y = frame.at(*points[-1])
        parts.append(f'<polyline class="line l{n}" data-name="{escape(name)}" points="{line}"/>')
        parts.append(f'<circle class="dot l{n}" cx="{x}" cy="{y}" r="3"/>')
    axes = f"{frame.left:g} {frame.bottom:g} {frame.right:g} {span[0]:g} {span[1]:g} "
    axes += f"{ticks[0]:g} {ticks[-1]:g}"
    return svg(title, frame, parts, f' class="curve" tabindex="0" data-axes="{axes}"')


@dataclass(frozen=True, slots=True)
class Bar:
    """A value with its interval. kind: the CSS class that colours it."""

    label: str
    kind: str
    value: float
    low: float
    high: float


def intervals(title: str, bars: Sequence[Bar]) -> Markup:
    """One row per bar: its name above, a dot for the value, a line for its interval."""
    ticks = nice_ticks(min(bar.low for bar in bars), max(bar.high for bar in bars))
    frame = Frame(420, 34 * len(bars) + 36, 14, 24, (ticks[0], ticks[-1]), (0, len(bars)), 14)
    parts = [_column(frame, tick) for tick in ticks]
    for place, bar in enumerate(bars):
        middle = len(bars) - place - 0.72
        (low, y), (high, _), (value, _) = (
            frame.at(number, middle) for number in (bar.low, bar.high, bar.value)
        )
        above, right = round(y - 10, 2), frame.width - 4
        parts += [
            f'<text x="4" y="{above}" class="label">{escape(bar.label)}</text>',
            f'<text x="{right}" y="{above}" class="label end">{bar.value:.3f}</text>',
            f'<line class="interval {bar.kind}" x1="{low}" x2="{high}" y1="{y}" y2="{y}"/>',
            f'<circle class="value {bar.kind}" cx="{value}" cy="{y}" r="5"/>',
        ]
    return svg(title, frame, parts)


def scatter(
    title: str,
    places: np.ndarray,
    colours: np.ndarray,
    *,
    kind: str = "classes",
    large: bool = False,
) -> Markup:
    """Points in the unit square. places: (N, 2), y grows upwards; colours: (N,) numbers, classes
    c0, c1 … of the style sheet; kind: "classes" or "quantity"; large: the one that can be used."""
    side, edge, radius = (600, 14, 4.5) if large else (420, 12, 3.5)
    span = side - 2 * edge
    dots = "".join(
        f'<circle class="c{colour}" cx="{edge + x * span:.1f}" cy="{side - edge - y * span:.1f}" '
        f'r="{radius}"/>'
        for (x, y), colour in zip(places.tolist(), colours.tolist(), strict=True)
    )
    used = ' id="scatter" tabindex="0" aria-describedby="map-help"' if large else ""
    return Markup(  # noqa: S704 - numbers, and a title that is escaped
        f'<svg viewBox="0 0 {side} {side}" role="img" class="scatter {kind}"{used}>'
        f"<title>{escape(title)}</title>{dots}</svg>"
    )


def against(
    title: str,
    points: Sequence[tuple[float, float]],
    across: str,
    up: str,
    weights: np.ndarray | None,
    *,
    span: tuple[float, float],
) -> Markup:
    """Points on two axes of one scale, with the line where both are equal. weights: (N,) from 0 to
    1, for the radius."""
    ticks = nice_ticks(*span)
    ends = (ticks[0], ticks[-1])
    frame = Frame(320, 300, 46, 40, ends, ends)
    parts = [level(frame, tick) for tick in ticks] + [_column(frame, tick) for tick in ticks]
    (x0, y0), (x1, y1) = frame.at(ends[0], ends[0]), frame.at(ends[1], ends[1])
    parts.append(f'<line class="diagonal" x1="{x0}" y1="{y0}" x2="{x1}" y2="{y1}"/>')
    radii = [3.0] * len(points) if weights is None else [3 + 8 * w for w in weights.tolist()]
    for (x, y), radius in zip(points, radii, strict=True):
        cx, cy = frame.at(x, y)
        parts.append(f'<circle class="point" cx="{cx}" cy="{cy}" r="{radius:.1f}"/>')
    parts.append(f'<text class="middle" x="{(x0 + x1) / 2}" y="296">{escape(across)}</text>')
    parts.append(
        f'<text class="middle" transform="translate(11 {(y0 + y1) / 2}) rotate(-90)">'
        f"{escape(up)}</text>"
    )
    return svg(title, frame, parts)


def nice_ticks(low: float, high: float, count: int = 4) -> list[float]:
    """Round numbers at equal distances, from at most `low` to at least `high`."""
    if low == high:
        low, high = low - 0.5 * (abs(low) or 1), high + 0.5 * (abs(high) or 1)
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = power * next(f for f in (1, 2, 2.5, 5, 10) if f * power >= rough * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [float(f"{number * step:.12g}") for number in range(first, last + 1)]


def _thinned(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    size = math.ceil(len(points) / MOST_POINTS)
    stretches = [points[i : i + size] for i in range(0, len(points), size)]
    return [(part[-1][0], sum(y for _, y in part) / len(part)) for part in stretches]


def _share(value: float, span: tuple[float, float]) -> float:
    return (value - span[0]) / (span[1] - span[0]) if span[1] > span[0] else 0.5


def level(frame: Frame, tick: float) -> str:
    """A horizontal rule with its number."""
    _, y = frame.at(frame.x[0], tick)
    return (
        f'<line class="rule" x1="{frame.left}" x2="{frame.width - 8}" y1="{y}" y2="{y}"/>'
        f'<text class="tick end" x="{frame.left - 6}" y="{y + 4}">{tick:.6g}</text>'
    )


def _column(frame: Frame, tick: float) -> str:
    x, y = frame.at(tick, frame.y[0])
    return (
        f'<line class="rule" x1="{x}" x2="{x}" y1="8" y2="{y}"/>'
        f'<text class="tick middle" x="{x}" y="{y + 16}">{tick:.6g}</text>'
    )


def _below(frame: Frame, step: float) -> str:
    x, _ = frame.at(step, frame.y[0])
    anchor = "end" if step == frame.x[1] else "start"
    return f'<text class="tick {anchor}" x="{x}" y="{frame.height - 6}">{step:.6g}</text>'


def svg(title: str, frame: Frame, parts: Sequence[str], attributes: str = "") -> Markup:
    """The whole picture. parts, attributes: SVG whose texts are escaped."""
    return Markup(  # noqa: S704 - every text in `parts` is escaped
        f'<svg viewBox="0 0 {frame.width:g} {frame.height:g}" role="img"{attributes}>'
        f"<title>{escape(title)}</title>{''.join(parts)}</svg>"
    )
