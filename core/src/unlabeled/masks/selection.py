"""How many tokens a mask hides, and which: the first ones in an order that a planner drew."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from unlabeled.errors import ShapeError


def hidden_count(available: int, ratio: float) -> int:
    """How many of `available` tokens a mask hides: `ratio` of them, to the nearest whole number.

    At least one is hidden and at least one stays. ratio: strictly between 0 and 1.
    Raises ShapeError if there is no such number, saying what is legal.
    """
    if not 0 < ratio < 1:
        raise ShapeError(f"mask ratio must lie strictly between 0 and 1, found {ratio}")
    if available < 2:
        raise ShapeError(
            f"a mask hides at least one token and leaves at least one, so it needs 2 or more that "
            f"may be hidden; found {available}. Use a larger sample or smaller patches."
        )
    return min(max(round(ratio * available), 1), available - 1)


def hide_first(
    order: np.ndarray, available: np.ndarray, count: int, rng: np.random.Generator
) -> np.ndarray:
    """Hide the `count` available tokens that come first in `order`; ties are broken at random.

    order: any numbers, available: bool, both of the grid's shape. Returns bool, True is hidden.
    """
    candidates = np.flatnonzero(available)
    first = np.lexsort((rng.random(len(candidates)), order.ravel()[candidates]))[:count]
    hidden = np.zeros(available.shape, dtype=bool)
    hidden.ravel()[candidates[first]] = True
    return hidden


def hide_lines(
    plan: Callable[[np.ndarray, np.random.Generator], np.ndarray],
    available: np.ndarray,
    axes: tuple[int, ...] | None,
    rng: np.random.Generator,
) -> np.ndarray:
    """Draw a mask of the grid's shape on `axes` only and repeat it along the others; None is all.

    A line of tokens may be hidden when any of them may. Raises ShapeError for an axis the grid
    does not have.
    """
    if axes is None or len(axes) == available.ndim:
        return plan(available, rng)
    others = tuple(axis for axis in range(available.ndim) if axis not in axes)
    if len(others) != available.ndim - len(set(axes)):
        raise ShapeError(f"axes {axes} do not fit a grid of shape {available.shape}")
    hidden = plan(np.any(available, axis=others), rng)
    repeated: np.ndarray = np.expand_dims(hidden, others) & available
    return repeated
