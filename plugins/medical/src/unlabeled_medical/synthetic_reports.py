"""Seeded toy reports with known structure: a finding, where and how large, in few words."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

SIDES = ("left", "right")
WORDS = {
    "pneumonia": ("consolidation", "opacity", "infiltrate"),
    "effusion": ("fluid", "blunting", "meniscus"),
    "fracture": ("displaced", "cortical", "step"),
    "none": ("clear", "unremarkable", "normal"),
}


def write_reports(path: Path, *, count: int, seed: int) -> None:
    """Write `count` rows of `reports.csv` (path, patient, report) and `labels.csv` into `path`.

    Labels (item, label, group): the finding, which the report describes only by its signs; each two
    reports are of one patient. There are no images.
    """
    rng = np.random.default_rng(seed)
    kinds = list(WORDS)
    rows, labels = [], []
    for number in range(count):
        kind, patient = kinds[number % len(kinds)], f"patient{number // 2:03d}"
        name = f"{patient}/{number % 2}.png"
        rows.append({"path": name, "patient": patient, "report": _report(kind, rng)})
        labels.append({"item": name, "label": kind, "group": patient})
    for file, table in (("reports.csv", rows), ("labels.csv", labels)):
        with (path / file).open("w", newline="") as stream:
            writer = csv.DictWriter(stream, list(table[0]))
            writer.writeheader()
            writer.writerows(table)


def _report(kind: str, rng: np.random.Generator) -> str:
    signs = rng.permutation(WORDS[kind])[:2]
    side = SIDES[int(rng.integers(2))]
    if kind == "none":
        return f"{side} lung {signs[0]}, heart {signs[1]}."
    end = ", compare prior" if rng.random() < 0.5 else ""
    return f"{signs[0]} and {signs[1]} of the {side} side, {rng.integers(2, 9)} cm{end}."
