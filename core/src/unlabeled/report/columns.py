"""What items can be coloured by: their group, labels and metadata, as classes or quantities."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

COLOURS = 10
"""Classes with a colour of their own; all others share one."""
LEVELS = 7
"""Steps of a quantity."""
MOST_CLASSES = 12
"""More different numbers than this are a quantity."""
OTHERS, UNKNOWN = COLOURS, COLOURS + 1
"""Codes of classes without a colour, and of items without a value."""

Role = Literal["group", "label", "metadata"]


@dataclass(frozen=True, slots=True)
class Column:
    """One property of N items.

    classes: names of the classes, the commonest first; codes: (N,) the number of each item's class
    (-1 without a value), of a quantity its step; values: (N,) of a quantity, NaN without one.
    """

    name: str
    role: Role
    classes: tuple[str, ...]
    codes: np.ndarray
    values: np.ndarray | None = None

    @property
    def quantity(self) -> bool:
        return self.values is not None

    @property
    def colours(self) -> np.ndarray:
        """(N,) 0 to COLOURS - 1, OTHERS or UNKNOWN."""
        if self.quantity:
            return np.where(self.codes < 0, UNKNOWN, self.codes)
        others = np.where(self.codes >= COLOURS, OTHERS, self.codes)
        return np.where(self.codes < 0, UNKNOWN, others)

    def legend(self) -> list[tuple[int, str]]:
        """(colour, what it stands for)."""
        if self.values is not None:
            known = self.values[np.isfinite(self.values)]
            edges = np.linspace(known.min(), known.max(), LEVELS + 1)
            found = [(n, f"{edges[n]:.4g} to {edges[n + 1]:.4g}") for n in range(LEVELS)]
        else:
            found = list(enumerate(self.classes[:COLOURS]))
            if more := len(self.classes) - COLOURS:
                found += [(OTHERS, f"{more} others")] if more > 0 else []
        return [*found, (UNKNOWN, "no value")] if (self.codes < 0).any() else found


def column(name: str, role: Role, values: Sequence[Any], *, hide: bool = False) -> Column | None:
    """The column of these values; None where all are alike, or each is another.

    hide: whether names of classes are replaced by numbers, as they may be those of people.
    """
    known = [value for value in values if value is not None and str(value).strip()]
    numeric = all(isinstance(value, int | float) and value == value for value in known)
    if numeric and (len(set(known)) > MOST_CLASSES or any(v != int(v) for v in known)):
        return _quantity(name, role, values)
    counts = Counter(map(str, known))
    if len(counts) < 2 or (len(counts) == len(known) and len(known) > MOST_CLASSES):
        return None
    order = sorted(counts, key=lambda each: (-counts[each], each))
    place = {each: number for number, each in enumerate(order)}
    codes = np.array([place.get(str(value), -1) for value in values])
    word = "group" if role == "group" else "value"
    shown = [f"{word} {number + 1}" for number in range(len(order))] if hide else order
    return Column(name, role, tuple(shown), codes)


def _quantity(name: str, role: Role, values: Sequence[Any]) -> Column | None:
    found = np.array([np.nan if v is None or v == "" else float(v) for v in values], float)
    known = np.isfinite(found)
    if not known.any() or (low := found[known].min()) == (high := found[known].max()):
        return None
    steps = np.minimum((found - low) / (high - low) * LEVELS, LEVELS - 1)
    codes = np.where(known, np.nan_to_num(steps), -1).astype(int)
    return Column(name, role, (), codes, np.where(known, found, np.nan))


def distinct(found: Iterator[Column | None]) -> list[Column]:
    """Each name once, and no column twice under two names: the first stays."""
    kept: dict[str, Column] = {}
    for each in found:
        if each is None or each.name in kept:
            continue
        if not any(np.array_equal(each.codes, other.codes) for other in kept.values()):
            kept[each.name] = each
    return list(kept.values())
