"""Items that nearly equal one of another group: a split by group may hold both, which is a leak.

Judged by embeddings of several encoders at once, the pretrained and untrained ones: near in all of
them, so that what one encoder does not see (a narrow or collapsed one sees little) makes no pair.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from unlabeled.data.items import Items
from unlabeled.data.signature import content_hash
from unlabeled.data.trained_on import hashes_of
from unlabeled.probes.standardise import standardise
from unlabeled.randomness import keyed_rng
from unlabeled.run_folder import RunFolder

NEAR = 0.05
"""Two items are near duplicates within this share of the median distance of two items: below what a
neighbour differs by, above what another encoding changes."""
SAMPLED = 1000
CHUNK = 1024


def near_duplicates(embeddings: Sequence[np.ndarray], groups: np.ndarray) -> np.ndarray:
    """Pairs (P, 2) of positions, i < j, of items of different groups.

    embeddings: (N, D) each, of the same items by several encoders; groups: (N,).
    """
    pairs = [_near(values, groups) for values in embeddings]
    shared = set(pairs[0]).intersection(*pairs[1:])
    return np.array(sorted(shared), dtype=int).reshape(-1, 2)


def first_of_each(pairs: np.ndarray, count: int) -> np.ndarray:
    """(n,) positions that are left of `count` items if all but the first of alike ones go.

    pairs: (P, 2); what is near to a near one is alike.
    """
    ends = (np.ones(len(pairs)), pairs.T) if len(pairs) else (np.zeros(0), np.zeros((2, 0), int))
    _, owner = connected_components(coo_array(ends, shape=(count, count)), directed=False)
    return np.sort(np.unique(owner, return_index=True)[1])


def trained_on(run: RunFolder, items: Items, rows: np.ndarray) -> int:
    """How many of the items at `rows` (n,) hold what the run was pretrained on, under any name.

    By content, where training has hashed it (see `trained_on.keep_signatures`).
    """
    known = hashes_of(run)
    if not known:
        return 0
    taken = items.table.take(np.unique(rows))
    found = zip(taken["source"].to_pylist(), taken["signature"].to_pylist(), strict=True)
    return sum(content_hash(source, signature) in known for source, signature in found)


def _near(values: np.ndarray, groups: np.ndarray) -> set[tuple[int, int]]:
    scaled, _ = standardise(values.astype(np.float64), values[:0].astype(np.float64))
    reach = NEAR * _median_distance(scaled)
    return set(_within(scaled, groups, reach)) if reach > 0 else set()


def _median_distance(x: np.ndarray) -> float:
    """Of two items drawn at random."""
    one, other = keyed_rng("pairs of items").integers(0, len(x), (2, SAMPLED))
    apart = one != other
    return float(np.median(np.linalg.norm(x[one[apart]] - x[other[apart]], axis=1)))


def _within(x: np.ndarray, groups: np.ndarray, reach: float) -> Iterator[tuple[int, int]]:
    squares = (x**2).sum(1)
    for start in range(0, len(x), CHUNK):
        part = x[start : start + CHUNK]
        distance = squares[start : start + CHUNK, None] + squares - 2 * part @ x.T
        # The product's rounding is about 1e-15 of the squares: far below what counts as near.
        for a, b in np.argwhere(distance <= reach**2):
            if start + a < b and groups[start + a] != groups[b]:
                yield int(start + a), int(b)
