"""Write the table of the core's losses, from their modules and measurements, into objectives.md.

Run after a change to a loss or a new measurement: python docs/objectives.py. A test fails when it
was forgotten, or when a loss lacks its source, formula, test or benchmark.
"""

from __future__ import annotations

import ast
import json
import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOSSES = ROOT / "core/src/unlabeled/objectives"
TESTS = ROOT / "core/tests/objectives"
RESULTS = ROOT / "core/benchmarks/results/objectives.json"
PAGE = Path(__file__).with_suffix(".md")


@dataclass(frozen=True)
class Entry:
    """What one module says of itself, and what was measured; empty where something is missing."""

    name: str
    summary: str
    source: str
    formula: str
    test: str
    measured: str

    def lacks(self) -> list[str]:
        """The names of the columns that are empty."""
        return [column for column, value in vars(self).items() if not value]


def entries() -> list[Entry]:
    """One entry per module that defines a loss or an objective, in alphabetical order."""
    rows = json.loads(RESULTS.read_text(encoding="utf-8"))["results"]
    return [_entry(path, rows) for path in sorted(LOSSES.glob("*.py")) if _is_loss(path)]


def page() -> str:
    """The whole page in Markdown."""
    head = (
        "# Losses and objectives of the core\n\n"
        "Made by `python docs/objectives.py`; do not edit. Measured by `make bench-objectives`: "
        "CPU time and peak memory, forward and backward, of lightly's class of the same name (or "
        "of the plain formula in PyTorch) divided by ours, per shape; above 1 ours is better.\n"
    )
    return head + "".join(_section(entry) for entry in entries())


def _section(entry: Entry) -> str:
    return (
        f"\n## {entry.name}\n\n{entry.summary}\n\n{entry.source}\n\n```\n{entry.formula}\n```\n\n"
        f"Test: `{entry.test}`. Measured: {entry.measured}.\n"
    )


def _is_loss(path: Path) -> bool:
    text = path.read_text(encoding="utf-8")
    return any(
        mark in text
        for mark in (f"\ndef {path.stem}_loss(", "(Objective):\n", "\nclass WeightedSum(")
    )


def _entry(path: Path, rows: list[dict[str, object]]) -> Entry:
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    blocks = text.split("\n\n")
    test = TESTS / f"test_{path.stem}.py"
    return Entry(
        name=path.stem,
        summary=blocks[0],
        source=next((block for block in blocks if block.startswith("Source")), ""),
        formula="\n".join(re.findall(r"^    (.+)$", text, re.MULTILINE)),
        test=str(test.relative_to(ROOT)) if test.exists() else "",
        measured="; ".join(_measured(row) for row in rows if row["objective"] == path.stem),
    )


def _measured(row: dict[str, object]) -> str:
    shape = " × ".join(f"{size:,}" for size in row["shape"])  # type: ignore[attr-defined]
    ratios = f"{row['time_ratio']:.2f} × time, {row['memory_ratio']:.1f} × memory"
    return f"{shape} beside {row['peer']}: {ratios}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
