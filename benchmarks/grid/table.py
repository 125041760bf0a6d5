"""docs/grid.md and its heat map, from the result files; a missing cell is shown as missing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from methods import TWO_VIEWS, methods
from sets import SETS

Found = dict[tuple[str, str], dict[str, Any]]

INTRODUCTION = """# The grid: every objective, four domains, one budget

Each cell is one method on one set: three pretrainings (seeds 0 to 2) of two minutes of processor
time each, without labels, on one thread; then a linear probe of the three beside three random
encoders of the same architecture, and the baselines. All methods of two views share encoder and
views, all masked ones their encoder; learning rate, batch size (64) and schedule are equal, and
nothing was chosen for any method. Given is the difference from random encoders with its 95 %
interval (paired bootstrap over groups); **bold** if the interval excludes 0 on the good side,
*italic* on the bad side. All sets are sets to choose on: what is chosen here has to be judged on
others.

`make grid` (`UNLABELED_DATA` set) measures what is missing and writes this page; each cell is a
file below `benchmarks/grid/results`.

![difference from random encoders, by method and set](grid.svg)
"""


def write_table(results: Path, docs: Path) -> None:
    found = read(results)
    parts = [INTRODUCTION, missing(found), differences(found), beside(found)]
    (docs / "grid.md").write_text("\n".join(parts))
    (docs / "grid.svg").write_text(heat_map(found))
    print(f"{len(found)} of {sum(len(names()[s]) for s in SETS)} cells; docs/grid.md is written")


def read(results: Path) -> Found:
    cells = [json.loads(file.read_text()) for file in sorted(results.glob("*/*.json"))]
    return {(cell["set"], cell["method"]): cell for cell in cells}


def names() -> dict[str, list[str]]:
    return {name: list(methods(chosen.domain)) for name, chosen in SETS.items()}


def every_method() -> list[str]:
    own = [each for those in names().values() for each in those if each not in TWO_VIEWS]
    return [*TWO_VIEWS, *dict.fromkeys(own)]


def missing(found: Found) -> str:
    lines = []
    for name, those in names().items():
        lacking = [method for method in those if (name, method) not in found]
        if lacking:
            lines.append(f"- {name}: {', '.join(lacking)}")
    return (
        "Not measured yet:\n\n" + "\n".join(lines) + "\n" if lines else "Every cell is measured.\n"
    )


def differences(found: Found) -> str:
    """One line per method: minus random encoders, by set."""
    head = ["method", *(f"{name} ({SETS[name].domain})" for name in SETS)]
    lines = [
        "## Minus random encoders",
        "",
        "| " + " | ".join(head) + " |",
        "|---" * len(head) + "|",
    ]
    for method in every_method():
        cells = [difference(found.get((name, method))) for name in SETS]
        if any(cells):
            lines.append("| " + " | ".join([f"`{method}`", *cells]) + " |")
    return "\n".join(lines) + "\n"


def difference(cell: dict[str, Any] | None) -> str:
    against = random_of(cell)
    if against is None:
        return ""
    low, high = against["interval"]["low"], against["interval"]["high"]
    text = f"{against['difference']:+.3f} ({low:+.3f} to {high:+.3f})"
    mark = {"win": "**", "loss": "*"}.get(against["outcome"], "")
    return f"{mark}{text}{mark}"


def random_of(cell: dict[str, Any] | None) -> dict[str, Any] | None:
    """The comparison with random encoders."""
    if cell is None:
        return None
    random = [row["name"] for row in cell["rows"] if row["kind"] == "random"]
    return next((each for each in cell["comparisons"] if each["against"] in random), None)


def beside(found: Found) -> str:
    """Per set the scores, seed by seed, and what the best baseline reaches."""
    parts = ["## Scores"]
    for name, those in names().items():
        cells = [found[name, method] for method in those if (name, method) in found]
        if not cells:
            continue
        first = cells[0]
        parts.append(
            f"### {name}: {first['metric']}, {first['items']:,} items, {SETS[name].groups}\n"
        )
        parts.append("| method | steps | score (by seed) | random encoders | best baseline |")
        parts.append("|---|---|---|---|---|")
        parts += [scores(cell) for cell in cells]
        parts.append("")
    return "\n".join(parts)


def scores(cell: dict[str, Any]) -> str:
    kinds: dict[str, list[dict[str, Any]]] = {}
    for row in cell["rows"]:
        kinds.setdefault(row["kind"], []).append(row)
    own, random = kinds["pretrained"][0], kinds["random"][0]
    best = max(kinds.get("baseline", []), key=lambda row: row["score"], default=None)
    seeds = " ".join(f"{each:.3f}" for each in own["scores"])
    bar = f"{best['name']} {best['score']:.3f}" if best else ""
    return (
        f"| `{cell['method']}` | {cell['steps']:,} | {own['score']:.3f} ({seeds}) | "
        f"{random['score']:.3f} | {bar} |"
    )


CELL, LEFT, TOP = 64, 150, 40
SPAN = 0.1
"""Differences of this size have the full colour."""


def heat_map(found: Found) -> str:
    rows = [m for m in every_method() if any((name, m) in found for name in SETS)]
    width, height = LEFT + CELL * len(SETS) + 10, TOP + 22 * len(rows) + 10
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'font-family="system-ui, sans-serif" font-size="11">',
        "<title>Difference from random encoders, by method and set</title>",
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    for column, name in enumerate(SETS):
        x = LEFT + CELL * column + CELL / 2
        parts.append(f'<text x="{x}" y="{TOP - 10}" text-anchor="middle">{name}</text>')
    for place, method in enumerate(rows):
        y = TOP + 22 * place
        parts.append(f'<text x="{LEFT - 8}" y="{y + 14}" text-anchor="end">{method}</text>')
        for column, name in enumerate(SETS):
            parts += square(random_of(found.get((name, method))), LEFT + CELL * column, y)
    return "\n".join([*parts, "</svg>"]) + "\n"


def square(against: dict[str, Any] | None, x: float, y: float) -> list[str]:
    if against is None:
        return [f'<rect x="{x}" y="{y}" width="{CELL - 2}" height="20" fill="#eeeeee"/>']
    value = against["difference"]
    strength = min(abs(value) / SPAN, 1.0)
    red, green, blue = (43, 89, 195) if value > 0 else (194, 112, 45)
    light = [round(255 - strength * (255 - channel)) for channel in (red, green, blue)]
    ink = "white" if strength > 0.6 else "black"
    weight = "bold" if against["outcome"] == "win" else "normal"
    return [
        f'<rect x="{x}" y="{y}" width="{CELL - 2}" height="20" fill="rgb{tuple(light)}"/>',
        f'<text x="{x + CELL / 2 - 1}" y="{y + 14}" text-anchor="middle" fill="{ink}" '
        f'font-weight="{weight}">{value:+.3f}</text>',
    ]
