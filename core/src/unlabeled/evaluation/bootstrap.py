"""Intervals by resampling whole groups, paired: every score sees the same resamples.

Source: Efron and Tibshirani 1993, An Introduction to the Bootstrap, chapters 8 and 13 (percentile
intervals); groups are drawn instead of items because items of one group are not independent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from unlabeled.randomness import keyed_rng
from unlabeled.wording import counted

RESAMPLES = 1000
LEVEL = 0.95
FEW_GROUPS = 10
"""With fewer, percentile intervals are known to be too narrow."""


@dataclass(frozen=True, slots=True)
class Interval:
    """The middle 95 % of the resamples."""

    low: float
    high: float


def resamples_of(
    groups: np.ndarray, *, seed: int = 0, resamples: int = RESAMPLES
) -> Iterator[np.ndarray]:
    """Positions (n,) of the items in each resample of whole groups.

    groups: (N,); an item occurs as often as its group was drawn.
    """
    _, codes = np.unique(groups, return_inverse=True)
    # Stable, so that resamples do not depend on the sorting algorithm.
    order = np.argsort(codes, kind="stable")
    members = np.split(order, np.cumsum(np.bincount(codes))[:-1])
    # Seeded by a fixed key: every candidate and score is resampled alike, which makes differences
    # paired.
    rng = keyed_rng(seed, "bootstrap")
    for _ in range(resamples):
        # Groups are drawn, so the number of items varies between resamples.
        drawn = rng.integers(0, len(members), len(members))
        yield np.concatenate([members[group] for group in drawn])


def resample_scores(
    groups: np.ndarray,
    scores: Sequence[Callable[[np.ndarray], float]],
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> np.ndarray:
    """Every score on every resample: (resamples, len(scores)). groups: (N,); scores: functions of
    the positions in a resample."""
    drawn = resamples_of(groups, seed=seed, resamples=resamples)
    return np.array([[score(positions) for score in scores] for positions in drawn])


def interval(values: np.ndarray) -> Interval:
    """The percentile interval of (resamples,) values, without undefined ones (NaN)."""
    tail = (1 - LEVEL) / 2
    # A resample may lack a class, which leaves AUC undefined: such resamples are left out.
    low, high = np.nanquantile(values, [tail, 1 - tail])
    return Interval(float(low), float(high))


def rough(groups: int) -> list[str]:
    """Notes on intervals from this number of groups."""
    if groups >= FEW_GROUPS:
        return []
    return [f"Intervals from {counted(groups, 'group')} are rough, and rather too narrow."]
