"""Gauges of two kinds: one tide a day, or two."""

from pathlib import Path

import numpy as np

HOURS = np.arange(72)


def write(path: Path, *, count: int, seed: int) -> None:
    """Write `count` gauges of 2 to 3 days and their labels."""
    rng = np.random.default_rng(seed)
    rows = ["item,label,group"]
    for number in range(count):
        per_day = 1 + number % 2
        hours = HOURS[: int(rng.integers(48, 73))]
        level = np.sin(2 * np.pi * per_day * (hours / 24 + rng.random()))
        noisy = level * rng.uniform(0.5, 1.5) + 0.1 * rng.standard_normal(len(hours))
        (path / f"gauge{number:02d}.txt").write_text("\n".join(f"{v:.4f}" for v in noisy))
        rows.append(f"gauge{number:02d}.txt,{per_day},harbour{number // 2}")
    (path / "labels.csv").write_text("\n".join(rows) + "\n")
