"""Toy tables: the label is how columns go together; none of them shows it alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np

KINDS = ("ash", "birch", "cedar", "elm")
PATTERNS = np.array([[1, 1, 1, 1, 1], [1, -1, 1, -1, 1]])
"""Signs of the five columns of a block; a row has one of them, turned over by chance."""


def write(path: Path, *, count: int, seed: int) -> None:
    """Write trees.csv, `count` rows, and labels.csv (item, label, group).

    Four rows, one of each class, share a value in the column `group`. Some cells are empty.
    """
    rng = np.random.default_rng(seed)
    numbers = [f"number{place}" for place in range(2 * PATTERNS.shape[1])]
    table, labels = [",".join((*numbers, "soil", "slope", "group"))], ["item,label,group"]
    for row in range(count):
        kind, session = row % len(KINDS), f"session{row // len(KINDS)}"
        blocks = [rng.choice([-1, 1]) * PATTERNS[part] for part in divmod(kind, 2)]
        values = np.concatenate(blocks) + rng.normal(0, 0.4, len(numbers))
        cells = [*(f"{value:.3f}" for value in values), *_categories(kind, rng)]
        cells = ["" if rng.random() < 0.05 else cell for cell in cells]
        table.append(",".join((*cells, session)))
        labels.append(f"trees.csv#{row + 2},{KINDS[kind]},{session}")
    (path / "trees.csv").write_text("\n".join(table) + "\n", encoding="utf-8")
    (path / "labels.csv").write_text("\n".join(labels) + "\n", encoding="utf-8")


def _categories(kind: int, rng: np.random.Generator) -> tuple[str, str]:
    """A soil and a slope; each is the usual one of the class in three of five rows."""
    soil, slope = kind // 2, kind % 2
    soil = soil if rng.random() < 0.2 else int(rng.integers(2))
    slope = slope if rng.random() < 0.2 else int(rng.integers(2))
    return ("clay", "sand")[soil], ("flat", "steep")[slope]
