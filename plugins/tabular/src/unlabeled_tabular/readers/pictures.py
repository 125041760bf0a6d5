"""A row as a small table of names and values."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape

from unlabeled.contract import Preview
from unlabeled_tabular.row import Row

MOST = 24
"""Cells that are drawn."""
LONG = 22
"""Characters of a name or value that are shown."""
WIDTH, LINE = 360, 18


def picture_of(row: Row, marked: Sequence[bool] = ()) -> Preview:
    """Names beside values. marked: (A + B,), cells that stand in another colour."""
    cells = [*((n, f"{v:g}") for n, v in zip(row.number_names, row.numbers.tolist(), strict=True))]
    cells += zip(row.text_names, row.texts.tolist(), strict=True)
    shown = cells[:MOST]
    parts = []
    for place, (name, value) in enumerate(shown):
        y = LINE * (place + 1)
        colour = "#d55e00" if place < len(marked) and marked[place] else "#5a6270"
        text = "empty" if value in ("", "nan") else value
        parts.append(
            f'<text x="6" y="{y}" fill="#5a6270">{_short(name)}</text>'
            f'<text x="{WIDTH - 6}" y="{y}" text-anchor="end" fill="{colour}">{_short(text)}</text>'
        )
    height = LINE * len(shown) + 8
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        'font-family="sans-serif" font-size="13">'
    )
    few = f", {MOST} shown" if len(cells) > MOST else ""
    caption = f"{len(cells)} cells{few}, in the units of the table"
    return Preview(f"{opening}{''.join(parts)}</svg>".encode(), "svg", caption)


def _short(text: str) -> str:
    return escape(text if len(text) <= LONG else f"{text[: LONG - 1]}…")
