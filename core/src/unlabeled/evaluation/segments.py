"""Labels of parts of items: of single nodes, or of stretches between two positions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from unlabeled.contract import Piece
from unlabeled.errors import DataError


@dataclass(frozen=True, slots=True)
class NodeParts:
    """Row k describes the node ids[k] of its item. ids: (N,) int64."""

    kind: ClassVar = "nodes"
    unit: ClassVar = "nodes"
    ids: np.ndarray

    def take(self, rows: np.ndarray) -> NodeParts:
        return NodeParts(self.ids[rows])

    def of(self, piece: Piece, rows: slice, item: str) -> np.ndarray:
        """The embeddings (n, D) of the nodes at `rows`. Raises DataError for one that is not there.

        A piece without node numbers has node k in row k.
        """
        there = np.arange(len(piece.values)) if piece.node is None else piece.node
        order = np.argsort(there)
        places = np.searchsorted(there, self.ids[rows], sorter=order).clip(max=len(there) - 1)
        found = order[places]
        missing = self.ids[rows][there[found] != self.ids[rows]]
        if len(missing):
            raise DataError(
                f"the labels name node {missing[0]} of {item!r}, whose {len(there)} nodes are "
                f"numbered from {there.min()} to {there.max()}"
            )
        values: np.ndarray = piece.values[found]
        return values


@dataclass(frozen=True, slots=True)
class Stretches:
    """Row k describes its item from bounds[k, 0] to before bounds[k, 1]. bounds: (N, 2) float64, in
    the unit of the tokens' position (s, mm)."""

    kind: ClassVar = "tokens"
    unit: ClassVar = "stretches"
    bounds: np.ndarray

    def take(self, rows: np.ndarray) -> Stretches:
        return Stretches(self.bounds[rows])

    def of(self, piece: Piece, rows: slice, item: str) -> np.ndarray:
        """The means (n, D) of the tokens in the stretches at `rows`; the token nearest to the
        middle where there is none inside. Raises DataError if tokens have several axes, or end
        before a stretch begins."""
        if piece.position is None or piece.position.shape[1] != 1:
            raise DataError(f"{item!r}: `start` and `end` need tokens along one axis")
        place = piece.position[:, 0]
        means, step = [], float(np.median(np.diff(place))) if len(place) > 1 else np.inf
        for start, end in self.bounds[rows]:
            if start > place[-1] + step:
                raise DataError(
                    f"{item!r}: expected labels of stretches within the item, whose tokens lie "
                    f"from {place[0]:g} to {place[-1]:g}, found one from {start:g} to {end:g}"
                )
            inside = (place >= start) & (place < end)
            if not inside.any():
                inside[np.abs(place - (start + end) / 2).argmin()] = True
            means.append(piece.values[inside].mean(0))
        return np.stack(means)


Parts = NodeParts | Stretches
