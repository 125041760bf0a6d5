"""Batches formed by a column: items of one value, of different values, or in fixed shares.

- together: a batch holds items of one value. With clusters of an earlier run's embeddings, features
  that the earlier run has learned no longer solve the task: multistage contrast (Zhang et al.
  2024).
- apart: the items of a batch have different values, as far as there are enough. With clusters, few
  negatives are of the same class: G-SimCLR (Chakraborty et al. 2020). Departs from its code, which
  gives the same batches every epoch and lets the last ones repeat the large clusters: here each
  epoch deals anew, and every batch gets an equal share of every value.
- shares: each value has a fixed share of every batch: class balance, or labelled beside unlabelled
  items. Items of small values are drawn several times an epoch, some of large ones not at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from unlabeled.errors import DataError, UsageError
from unlabeled.training.batch_column import BatchColumn
from unlabeled.training.settings import BatchSettings


class Form(Protocol):
    """How the batches of an epoch are formed from N draws of items.

    batches: their number in an epoch; note: a sentence about the result for these data.
    """

    batches: int
    note: str

    def deal(self, rng: np.random.Generator) -> np.ndarray:
        """(batches, size) int: the draws in each batch of an epoch."""
        ...


def form_of(settings: BatchSettings, column: BatchColumn, times: int, size: int) -> Form:
    """times: draws of each item in an epoch; size: of a batch. Raises DataError, UsageError."""
    # Draw d is of item d // times.
    codes = column.codes.repeat(times)
    if settings.form == "together":
        return Together(codes, size)
    if settings.form == "apart":
        return Apart(codes, size)
    return Shares(codes, size, _weights(settings.shares, column))


class Together:
    """Batches of one value. codes: (N,) int."""

    def __init__(self, codes: np.ndarray, size: int) -> None:
        self.codes, self.size = codes, size
        counts = np.bincount(codes)
        self.batches = int((counts // size).sum())
        if not self.batches:
            raise DataError(
                f"training.batches: expected a value that fills a batch of {size}; the largest has "
                f"{counts.max()} items. Take fewer values or a smaller batch."
            )
        never, rest = counts[counts < size].sum(), counts[counts >= size] % size
        self.note = (
            f"each of one value; {never} of {len(codes)} are never in a batch, as their value is "
            f"smaller than one, and {rest.sum()} others are left out of each epoch, by turns"
        )

    def deal(self, rng: np.random.Generator) -> np.ndarray:
        """(batches, size): of a value's n draws n % size are left out, others in each epoch."""
        shuffled = rng.permutation(len(self.codes))
        members = [shuffled[self.codes[shuffled] == code] for code in np.unique(self.codes)]
        whole = [rows[: len(rows) // self.size * self.size] for rows in members]
        return rng.permutation(np.concatenate(whole).reshape(-1, self.size))


class Apart:
    """Batches with every value equally often, up to a difference of one. codes: (N,) int."""

    def __init__(self, codes: np.ndarray, size: int) -> None:
        self.codes, self.size = codes, size
        self.batches = len(codes) // size
        most = -(-int(np.bincount(codes).max()) // self.batches)
        self.note = "all of different values"
        if most > 1:
            self.note = f"of different values as far as they reach: of one value up to {most}"
        if left := len(codes) - self.batches * size:
            self.note += f"; {left} of {len(codes)} are left out of each epoch, by turns"

    def deal(self, rng: np.random.Generator) -> np.ndarray:
        """(batches, size), with as few pairs of one value within a batch as possible."""
        chosen = rng.permutation(len(self.codes))[: self.batches * self.size]
        # Dealt like cards: in the order of values, one to each batch in turn.
        order = rng.permutation(self.codes.max() + 1)
        hand = chosen[np.argsort(order[self.codes[chosen]], kind="stable")]
        dealt = hand.reshape(self.size, self.batches).T
        return rng.permuted(rng.permutation(dealt), axis=1)


class Shares:
    """Batches with the same number of each value. codes: (N,) int; weights: (values,) >= 0."""

    def __init__(self, codes: np.ndarray, size: int, weights: np.ndarray) -> None:
        self.batches = len(codes) // size
        self.counts = apportion(size, weights)
        if np.any((self.counts == 0) & (weights > 0)):
            raise DataError(
                f"training.batches: a batch of {size} cannot hold each of {(weights > 0).sum()} "
                "values in its share. Take a larger batch, or other shares."
            )
        self.members = [np.flatnonzero(codes == code) for code in range(len(weights))]
        often = [
            self.batches * count / len(rows)
            for count, rows in zip(self.counts, self.members, strict=True)
            if count
        ]
        each = "each" if len(set(self.counts.tolist())) == 1 else "a value"
        self.note = (
            f"with {_range(self.counts[self.counts > 0])} of {each}; an item is drawn "
            f"{min(often):.2g} to {max(often):.2g} times an epoch, by the size of its value"
        )

    def deal(self, rng: np.random.Generator) -> np.ndarray:
        """(batches, size): no draw occurs twice in a batch unless its value has too few."""
        parts = [
            cycle(rows, self.batches, int(count), rng)
            for rows, count in zip(self.members, self.counts, strict=True)
            if count
        ]
        return rng.permuted(np.concatenate(parts, axis=1), axis=1)


def apportion(size: int, weights: np.ndarray) -> np.ndarray:
    """(values,) int with the sum `size`, as close to `weights` as possible (largest remainders)."""
    exact = size * weights / weights.sum()
    counts = np.floor(exact).astype(int)
    # Rounded, because noise in the last digit would otherwise decide between equal remainders.
    order = np.argsort(-np.round(exact - counts, 9), kind="stable")
    counts[order[: size - counts.sum()]] += 1
    return np.asarray(counts)


def cycle(rows: np.ndarray, batches: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """(batches, count) of `rows`, cycled in a new order each time."""
    queue = rows[:0]
    dealt = []
    for _ in range(batches):
        while len(queue) < count:
            again = rng.permutation(rows)
            # Rows that are still waiting come last, so that none occurs twice in a batch.
            waits = np.isin(again, queue)
            queue = np.concatenate([queue, again[~waits], again[waits]])
        dealt.append(queue[:count])
        queue = queue[count:]
    return np.stack(dealt)


def _weights(shares: Mapping[str, float], column: BatchColumn) -> np.ndarray:
    """(values,): the shares, equal ones if none are given. Raises UsageError."""
    if not shares:
        return np.ones(len(column.values))
    named = {value or "none": code for code, value in enumerate(column.values)}
    if shares.keys() != named.keys() or not sum(shares.values()):
        raise UsageError(
            f"training.batches.shares: expected one of each value of {column.name}, not all 0: "
            f"{', '.join(list(named)[:10])}; found {', '.join(shares)}."
        )
    return np.array([shares[name] for name in named], dtype=float)


def _range(counts: np.ndarray) -> str:
    low, high = counts.min(), counts.max()
    return str(low) if low == high else f"{low} to {high}"
