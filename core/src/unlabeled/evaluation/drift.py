"""Whether new embeddings are distributed as the reference's: a permutation test over groups.

Four measures of how two sets of items differ, each larger where they differ more:

    classifier   AUC of a ridge classifier that tells the sets apart, out of fold
    mmd          unbiased squared maximum mean discrepancy, Gaussian kernel (Gretton et al., JMLR
                 2012, equation 3), its width the median distance within the reference
    frechet      |m1 - m2|² + tr(C1 + C2 - 2 (C1 C2)^½), the Fréchet distance of two Gaussians
                 (Heusel et al., NeurIPS 2017, arXiv:1706.08500), on principal components
    novelty      mean log distance to the K-th nearest item of the reference

What is usual is learnt by dealing the groups out anew, as many as the new data have: were both of
one kind, the new data would be one such deal among others. A measure's p is the share of deals that
reach it. The smallest of the four p is compared with the smallest of each deal, so the stated level
of false alarms holds for all four together, whatever the number and kinds of items.
Thresholds from parts of the reference alone were tried and gave four times the stated false alarms:
one reference holds less of what is usual than two sets do.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.linalg import eigh, eigvalsh
from scipy.spatial.distance import cdist

from unlabeled.errors import DataError, UsageError
from unlabeled.evaluation.bootstrap import FEW_GROUPS
from unlabeled.inference.item_vectors import ItemVectors, item_vectors
from unlabeled.probes.metrics import roc_auc
from unlabeled.probes.standardise import standardise
from unlabeled.randomness import keyed_rng
from unlabeled.wording import counted

NEAREST = 5
"""K of novelty."""
MOST = 2000
"""Items of each table that are compared; more are drawn by group."""
WIDEST = 32
"""Principal components of both sets, on which the measures are taken."""
FOLDS = 5


@dataclass(frozen=True, slots=True)
class Measure:
    """found: of the new items; threshold: what `level` of the deals reach, by this measure alone;
    p: the share of deals that reach `found`."""

    name: str
    found: float
    threshold: float
    p: float


@dataclass(frozen=True, slots=True)
class Unlike:
    """An item of the new ones; distance: to its K-th nearest of the reference, as a multiple of the
    median of the reference's own."""

    id: str
    group: str
    distance: float


@dataclass(frozen=True, slots=True)
class Drift:
    """What `drift` found. p: of all measures together; drifted: whether p is at most `level`."""

    reference: str
    new: str
    items: tuple[int, int]
    compared: tuple[int, int]
    level: float
    p: float
    drifted: bool
    measures: tuple[Measure, ...]
    unlike: tuple[Unlike, ...]
    notes: tuple[str, ...]

    @property
    def verdict(self) -> str:
        words = "differs from" if self.drifted else "is distributed as"
        beside = "<=" if self.drifted else ">"
        return f"{self.new} {words} {self.reference} (p {self.p:.3f} {beside} {self.level:g})"

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "verdict": self.verdict}


def drift(
    reference: Path | str,
    new: Path | str,
    *,
    level: float = 0.05,
    resamples: int = 200,
    count: int = 10,
    seed: int = 0,
) -> Drift:
    """Compare two tables that one encoder made.

    level: share of false alarms; resamples: deals, by which p is known to about 1 / resamples;
    count: how many of the new items that are most unlike are named.
    Raises DataError where the reference has fewer than 20 items or 2 groups, UsageError where the
    tables are of different encoders.
    """
    old, fresh = item_vectors(reference), item_vectors(new)
    _require_comparable(reference, old, new, fresh)
    notes = [*_notes(reference, old), *_notes(new, fresh)]
    one, other = _at_most(old, MOST, seed), _at_most(fresh, MOST, seed)
    pair = _Pair(one, other, seed)
    usual = np.array([pair.usual(number) for number in range(resamples)])
    found = np.array(pair.observed())
    if pair.deals * level < 1:
        notes.append(
            f"No alarm is possible at level {level:g}: the groups can be dealt out in "
            f"{pair.deals} ways only."
        )
    p = (1 + (usual >= found).sum(0)) / (resamples + 1)
    together = _smallest_p(usual, p.min())
    measures = tuple(
        Measure(name, float(value), float(np.quantile(column, 1 - level)), float(each))
        for name, value, column, each in zip(MEASURES, found, usual.T, p, strict=True)
    )
    return Drift(
        str(reference),
        str(new),
        (len(old.ids), len(fresh.ids)),
        (len(one.ids), len(other.ids)),
        level,
        together,
        together <= level,
        measures,
        pair.most_unlike(count),
        tuple(notes),
    )


def _smallest_p(usual: np.ndarray, smallest: float) -> float:
    """The p of the smallest of several p. usual: (R, measures) of the draws."""
    draws = len(usual)
    # Each draw is ranked among the others as the new data are among all of them.
    ranks = (usual[:, None, :] <= usual[None, :, :]).sum(1)  # itself included
    own = (ranks / draws).min(1)
    return float((1 + (own <= smallest + 1e-12).sum()) / (draws + 1))


class _Pair:
    """Both sets on shared principal components, with all distances between their items."""

    def __init__(self, one: ItemVectors, other: ItemVectors, seed: int) -> None:
        self.seed, self.other, self.split = seed, other, len(one.ids)
        named = np.concatenate([_named("r", one.groups), _named("n", other.groups)])
        _, self.groups = np.unique(named, return_inverse=True)
        self.fresh = len(set(other.groups.tolist()))
        self.values = _components(one.values, other.values)
        self.distances = cdist(self.values, self.values)
        within = self.distances[: self.split, : self.split]
        width = np.median(within[np.triu_indices(self.split, 1)])
        self.kernel = np.exp(-(self.distances**2) / (2 * max(width, 1e-12) ** 2))

    @property
    def deals(self) -> int:
        """How many different ones there are."""
        return math.comb(int(self.groups.max()) + 1, self.fresh)

    def observed(self) -> list[float]:
        """The measures of the new items beside the reference."""
        every = np.arange(len(self.values))
        return self.measure(every[: self.split], every[self.split :])

    def usual(self, number: int) -> list[float]:
        """The measures of as many groups, whosesoever they are, beside all others."""
        rng = keyed_rng(self.seed, "drift", number)
        drawn = rng.permutation(int(self.groups.max()) + 1)[: self.fresh]
        chosen = np.isin(self.groups, drawn)
        return self.measure(np.flatnonzero(~chosen), np.flatnonzero(chosen))

    def measure(self, a: np.ndarray, b: np.ndarray) -> list[float]:
        """The four values. a, b: (n,), (m,) positions of a reference and of new items."""
        return [function(self, a, b) for function in MEASURES.values()]

    def most_unlike(self, count: int) -> tuple[Unlike, ...]:
        within = np.sort(self.distances[: self.split, : self.split], axis=1)
        usual = np.median(within[:, min(NEAREST, self.split - 1)])  # the first is itself
        far = _to_nearest(self.distances[self.split :, : self.split]) / max(usual, 1e-12)
        return tuple(
            Unlike(str(self.other.ids[n]), str(self.other.groups[n]), float(far[n]))
            for n in np.argsort(-far, kind="stable")[:count]
        )


def _classifier(pair: _Pair, a: np.ndarray, b: np.ndarray) -> float:
    places = np.concatenate([a, b])
    x, truth = pair.values[places], np.repeat([0, 1], [len(a), len(b)])
    scores = np.zeros(len(places))
    count = int(pair.groups.max()) + 1
    fold = keyed_rng(pair.seed, "drift folds").permutation(np.arange(count) % FOLDS)
    fold = fold[pair.groups[places]]
    for number in range(FOLDS):
        train, test = fold != number, fold == number
        if test.any() and len(np.unique(truth[train])) == 2:
            scores[test] = _ridge(x[train], truth[train], x[test])
    return float(roc_auc(truth, np.stack([1 - scores, scores], axis=1)))


def _ridge(x: np.ndarray, truth: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Least squares with a penalty of a tenth of the rows; both classes weigh alike."""
    weight = np.where(truth == 1, 0.5 / (truth == 1).sum(), 0.5 / (truth == 0).sum())
    mean = weight @ x
    centred = x - mean
    gram = (centred * weight[:, None]).T @ centred + 0.1 * np.eye(x.shape[1])
    slope = np.linalg.solve(gram, centred.T @ (weight * (truth - 0.5)))
    return np.asarray((test - mean) @ slope)


def _mmd(pair: _Pair, a: np.ndarray, b: np.ndarray) -> float:
    def own(places: np.ndarray) -> float:
        count = len(places)
        if count < 2:
            return 0.0
        inner = pair.kernel[np.ix_(places, places)].sum() - count  # the diagonal is 1
        return float(inner / (count * (count - 1)))

    return own(a) + own(b) - 2 * float(pair.kernel[np.ix_(a, b)].mean())


def _frechet(pair: _Pair, a: np.ndarray, b: np.ndarray) -> float:
    x, y = pair.values[a], pair.values[b]
    if len(y) < 2:
        return float(((x.mean(0) - y.mean(0)) ** 2).sum())
    one, other = np.cov(x.T).reshape(x.shape[1], -1), np.cov(y.T).reshape(x.shape[1], -1)
    values, vectors = eigh(one)
    root = vectors * np.sqrt(values.clip(min=0)) @ vectors.T
    shared = np.sqrt(eigvalsh(root @ other @ root).clip(min=0)).sum()
    gap = ((x.mean(0) - y.mean(0)) ** 2).sum()
    return float(gap + np.trace(one) + np.trace(other) - 2 * shared)


def _novelty(pair: _Pair, a: np.ndarray, b: np.ndarray) -> float:
    return float(np.log(_to_nearest(pair.distances[np.ix_(b, a)]).clip(min=1e-12)).mean())


MEASURES: Mapping[str, Callable[[_Pair, np.ndarray, np.ndarray], float]] = {
    "classifier": _classifier,
    "mmd": _mmd,
    "frechet": _frechet,
    "novelty": _novelty,
}


def _to_nearest(distances: np.ndarray) -> np.ndarray:
    """(n, m) → (n,) to the K-th nearest."""
    place = min(NEAREST, distances.shape[1]) - 1
    return np.asarray(np.partition(distances, place, axis=1)[:, place])


def _components(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """(N + M, q): on the principal components of both, as many as the smaller set allows."""
    joined = np.concatenate([one, other]).astype(np.float64)
    # Of both: on components of the reference alone, its own parts spread wider than new data do.
    scaled, _ = standardise(joined, joined[:0])
    count = max(1, min(WIDEST, scaled.shape[1], min(len(one), len(other)) // 5))
    _, _, axes = np.linalg.svd(scaled, full_matrices=False)
    return np.asarray(scaled @ axes[:count].T)


def _at_most(found: ItemVectors, most: int, seed: int) -> ItemVectors:
    """So many items at most, in whole groups drawn by seed."""
    if len(found.ids) <= most:
        return found
    names, codes = np.unique(found.groups.astype(str), return_inverse=True)
    order = keyed_rng(seed, "drift items").permutation(len(names))
    sums = np.cumsum(np.bincount(codes)[order])
    chosen = order[: max(2, int(np.searchsorted(sums, most, side="right")))]
    # A group that is larger than all that may be compared is cut.
    return found.take(np.flatnonzero(np.isin(codes, chosen))[:most])


def _named(prefix: str, groups: np.ndarray) -> np.ndarray:
    """Groups of two tables never count as one: the same site may have changed."""
    return np.array([f"{prefix}{group}" for group in groups], dtype=object).astype(str)


def _require_comparable(
    reference: Path | str, old: ItemVectors, new: Path | str, fresh: ItemVectors
) -> None:
    if old.values.shape[1] != fresh.values.shape[1] or (
        old.digest and fresh.digest and old.digest != fresh.digest
    ):
        raise UsageError(
            f"{new}: expected embeddings by the encoder and output that made {reference}, found "
            "another. Embed both by one run."
        )
    groups = len(set(old.groups.tolist()))
    if len(old.ids) < 20 or groups < 2:
        raise DataError(
            f"{reference}: expected at least 20 items of 2 groups as a reference, found "
            f"{len(old.ids)} of {groups}"
        )
    if not len(fresh.ids):
        raise DataError(f"{new}: expected items with a vector, found none")


def _notes(path: Path | str, found: ItemVectors) -> list[str]:
    notes, groups = [], len(set(found.groups.tolist()))
    if found.absent:
        notes.append(f"{path}: {counted(found.absent, 'item')} without a vector left out.")
    if groups < FEW_GROUPS:
        notes.append(
            f"{path}: {counted(groups, 'group', 'is', 'are')} few: their range is known roughly."
        )
    if len(found.ids) > MOST:
        notes.append(f"{path}: about {MOST:,} of {len(found.ids):,} items are compared.")
    return notes
