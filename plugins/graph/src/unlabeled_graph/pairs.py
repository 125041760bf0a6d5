"""Pairs of nodes: the edges of a graph without direction, and pairs without an edge."""

from __future__ import annotations

import numpy as np

TRIES = 20
"""Rounds of drawing; a graph with nearly all edges may end with fewer other pairs than asked."""


def pairs_of(edge_index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The pairs {i, j} that (2, E) edges join, (2, P) with i <= j, and the pair of each edge (E,).

    Both directions of an edge, and repeated edges, are one pair.
    """
    ends = np.sort(edge_index, axis=0)
    span = ends.max(initial=0) + 1
    keys, pair = np.unique(ends[0] * span + ends[1], return_inverse=True)
    return np.stack([keys // span, keys % span]), pair


def other_pairs(pairs: np.ndarray, nodes: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """`count` random pairs i < j outside `pairs` (2, P), each once, (2, Q).

    Q is smaller than `count` if the graph has too few such pairs.
    """
    taken = np.sort(pairs[0] * nodes + pairs[1])
    found = np.zeros(0, dtype=np.int64)
    for _ in range(TRIES):
        if len(found) >= count:
            break
        ends = np.sort(rng.integers(nodes, size=(2, 2 * (count - len(found)) + 8)), axis=0)
        keys = (ends[0] * nodes + ends[1])[ends[0] < ends[1]]
        keys = keys[~np.isin(keys, taken)]
        joined = np.concatenate([found, keys])
        _, first = np.unique(joined, return_index=True)
        found = joined[np.sort(first)]
    found = found[:count]
    return np.stack([found // nodes, found % nodes])
