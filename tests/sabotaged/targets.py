"""Gauges with masks (where the water is high), and what breaks clauses R7 and A5 there."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from unlabeled_tides.gauges import Gauges
from unlabeled_tides.synthetic import write
from unlabeled_tides.waves import Waves

from unlabeled.contract import DenseTarget, MovesSpace, Range, ReadsTargets


class High(np.ndarray, DenseTarget):
    """1 where the water is high: (T,) float32."""

    def classes(self):
        return np.asarray(self).astype(np.int64)


def write_marked(path, *, count, seed):
    """Gauges, and masks/NAME.high of each."""
    write(path, count=count, seed=seed)
    (path / "masks").mkdir()
    rows = ["item,mask"]
    for gauge in sorted(path.glob("*.txt")):
        level = np.loadtxt(gauge)
        np.savetxt(path / f"masks/{gauge.stem}.high", level > 0, fmt="%d")
        rows.append(f"{gauge.name},masks/{gauge.stem}.high")
    (path / "masks.csv").write_text("\n".join(rows) + "\n")


class Marked(Gauges, ReadsTargets):
    """A sound reader of masks: it draws no windows, as an array does not know its place."""

    def read(self, item, rng=None):
        return super().read(item)

    def read_target(self, item, value, like):
        return np.loadtxt(value, dtype=np.float32, ndmin=1).view(High)


class Whole(Marked):
    """R7: the whole mask beside a window."""

    def read(self, item, rng=None):
        return Gauges.read(self, item, rng)


class Elsewhere(Marked):
    """R7: on the grid, and of other places."""

    def read_target(self, item, value, like):
        mask = super().read_target(item, value, like)
        return np.random.default_rng(len(item.id)).permutation(mask).view(High)


class Turning(Waves):
    """A5: runs some gauges backwards, and does not say that it moves anything."""

    def __call__(self, sample, rng):
        turned = sample[::-1] if rng.random() < 0.5 else sample
        return super().__call__(turned, rng)


class Rolled(Waves, MovesSpace):
    """Sound: rolls a gauge, and its mask by as much."""

    returns: ClassVar[Range] = Range(unit="m")

    def __call__(self, sample, rng):
        return np.roll(sample, int(rng.integers(len(sample))))


class ByValues(Rolled):
    """A5: draws noise first, where there is some, so that a mask rolls by another number."""

    def __call__(self, sample, rng):
        if not isinstance(sample, High):
            sample = Waves.__call__(self, sample, rng)
        return super().__call__(sample, rng)
