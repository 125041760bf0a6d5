"""How well rows find the right rows among all others, by cosine similarity; exact, in blocks.

Source: average precision and mean reciprocal rank as in Manning et al. 2008, Introduction to
Information Retrieval, section 8.4. Recall at k is the share of queries that find at least one
right row among the k nearest, as in metric learning (Musgrave et al. 2020, arXiv:2003.08505).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

LARGEST_BLOCK = 2**21
"""Similarities held at once: with their order and what is right, some 50 MB."""

Pairs = Callable[[np.ndarray], np.ndarray]
"""(q, G) bool for the queries at positions (q,), against the whole gallery."""


@dataclass(frozen=True, slots=True)
class Ranks:
    """Of Q queries: first: (Q,) the rank of the first right row, from 1; precision: (Q,) the
    average precision. Both NaN where there is no right row."""

    first: np.ndarray
    precision: np.ndarray

    def recall(self, nearest: int) -> np.ndarray:
        """(Q,) 1 where a right row is among the `nearest`, 0 where none is, NaN as above."""
        return np.where(np.isnan(self.first), np.nan, self.first <= nearest)


def rank(
    queries: np.ndarray,
    gallery: np.ndarray,
    right: Pairs,
    hidden: Pairs,
    rng: np.random.Generator,
) -> Ranks:
    """Rank the gallery for each query. queries: (Q, D); gallery: (G, D), finite both.

    right: what a query should find; hidden: what is not looked at, such as the query itself. Rows
    of equal similarity come in an order that `rng` draws: that of the data may go by class.
    """
    order = rng.permutation(len(gallery))
    queries, gallery = _unit(queries), _unit(gallery)[order]
    size = max(1, LARGEST_BLOCK // max(1, len(gallery)))
    blocks = np.split(np.arange(len(queries)), range(size, len(queries), size))
    found = [
        _of_block(queries[block] @ gallery.T, right(block)[:, order], hidden(block)[:, order])
        for block in blocks
    ]
    return Ranks(*(np.concatenate(parts) for parts in zip(*found, strict=True)))


def _of_block(
    similar: np.ndarray, right: np.ndarray, hidden: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """First rank and average precision (q,). All arguments: (q, G)."""
    similar[hidden] = -np.inf
    right = right & ~hidden
    order = np.argsort(-similar, axis=1, kind="stable")
    hits = np.take_along_axis(right, order, axis=1)
    ranks = np.arange(1, hits.shape[1] + 1)
    count = hits.sum(axis=1)
    with np.errstate(invalid="ignore"):
        precision = (hits.cumsum(axis=1) / ranks * hits).sum(axis=1) / count
    first = np.where(count > 0, hits.argmax(axis=1) + 1.0, np.nan)
    return first, precision


def _unit(values: np.ndarray) -> np.ndarray:
    """(N, D) float32 of length 1, or 0 where a row is 0."""
    values = np.asarray(values, np.float32)
    length = np.linalg.norm(values, axis=1, keepdims=True)
    return np.asarray(values / np.where(length > 0, length, 1), np.float32)


def classes_in_common(labels: Sequence[frozenset[str]]) -> Pairs:
    """Which of N rows share a label with which, (q, N) for some of them. labels: of each row."""
    from scipy.sparse import csr_matrix  # slow to import, and only this needs it

    number = {name: place for place, name in enumerate(sorted(set().union(*labels)))}
    rows = np.repeat(np.arange(len(labels)), [len(each) for each in labels])
    columns = [number[name] for each in labels for name in sorted(each)]
    has = csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), (len(labels), len(number)))
    return lambda rows: np.asarray((has[rows] @ has.T).toarray() > 0)
