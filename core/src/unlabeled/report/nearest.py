"""What lies closest to an item in the embedding."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unlabeled.probes.standardise import standardise


@dataclass(frozen=True, slots=True)
class Near:
    """An item and others, nearest first; similarity: cosine of standardised vectors."""

    query: int
    places: tuple[int, ...]
    similarity: tuple[float, ...]


def nearest(
    vectors: np.ndarray, places: np.ndarray, queries: int, neighbours: int
) -> tuple[Near, ...]:
    """Of `queries` items, evenly spread. vectors: (m, D); places: (m,) what the items are called in
    the result."""
    scaled, _ = standardise(vectors, vectors[:1])
    lengths = np.linalg.norm(scaled, axis=1, keepdims=True)
    unit = scaled / np.maximum(lengths, np.finfo(scaled.dtype).tiny)
    chosen = np.unique(np.linspace(0, len(unit) - 1, min(queries, len(unit))).round().astype(int))
    return tuple(_of(unit, places, row, neighbours) for row in chosen.tolist())


def _of(unit: np.ndarray, places: np.ndarray, row: int, neighbours: int) -> Near:
    cosine = unit @ unit[row]
    order = [other for other in np.argsort(-cosine, kind="stable").tolist() if other != row]
    kept = order[:neighbours]
    return Near(
        int(places[row]),
        tuple(int(places[other]) for other in kept),
        tuple(float(cosine[other]) for other in kept),
    )
