"""Batches formed by clusters of items, found in the embeddings of earlier runs.

- apart: the members of a batch come from different clusters, so few negatives are of the same
  class (G-SimCLR, Chakraborty et al. 2020). Departs from its code, which gives the same batches
  every epoch and lets the last ones repeat the large clusters: here each epoch deals anew, and
  every batch gets an equal share of every cluster.
- together: the members of a batch come from one cluster, so what earlier runs have learned to tell
  apart no longer helps (multistage contrastive learning, Zhang et al. 2024). The embeddings of
  several runs refine one another: items are together if they are so in each.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from sklearn.cluster import MiniBatchKMeans

from unlabeled.data.items import Items
from unlabeled.errors import DataError
from unlabeled.training.settings import ClusterSettings


def cluster_items(items: Items, settings: ClusterSettings, seed: int) -> np.ndarray:
    """(items,) int, equal for items of one cluster. Raises DataError.

    Items that an embeddings file does not hold form a cluster of their own.
    """
    stages = [
        _in_order(items, *_read(Path(path)), path, settings.count, seed)
        for path in settings.embeddings
    ]
    return refine(stages)


def refine(stages: Sequence[np.ndarray]) -> np.ndarray:
    """(items,) int: two items are in one cluster if they are in each of `stages`."""
    _, labels = np.unique(np.stack(stages, axis=1), axis=0, return_inverse=True)
    return labels.ravel()


def pseudo_labels(vectors: np.ndarray, count: int, seed: int) -> np.ndarray:
    """k-means on the directions of vectors (N, D): (N,) int in [0, count). Raises DataError."""
    if count > len(vectors):
        raise DataError(
            f"training.clusters.count: expected at most the number of items, {len(vectors)}, "
            f"found {count}"
        )
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    directions = vectors / np.where(lengths == 0, 1, lengths)
    labels: np.ndarray = MiniBatchKMeans(count, n_init=3, random_state=seed).fit_predict(directions)
    return labels


def deal_apart(labels: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """(batches, size) of distinct rows of `labels` (N,), N // size batches.

    Each cluster is spread as evenly as can be, so the number of pairs of one cluster within a
    batch is the smallest possible for the items that are dealt.
    """
    batches = len(labels) // size
    chosen = rng.permutation(len(labels))[: batches * size]
    # Like cards: in the order of clusters, one to each batch in turn.
    cluster_order = rng.permutation(labels.max() + 1)
    hand = chosen[np.argsort(cluster_order[labels[chosen]], kind="stable")]
    dealt = hand.reshape(size, batches).T
    return rng.permuted(rng.permutation(dealt), axis=1)


def keep_together(labels: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """(batches, size) of distinct rows of `labels` (N,), each batch from one cluster.

    Of a cluster's n members n % size are left out, others in each epoch.
    """
    shuffled = rng.permutation(len(labels))
    members = [shuffled[labels[shuffled] == label] for label in np.unique(labels)]
    whole = [rows[: len(rows) // size * size].reshape(-1, size) for rows in members]
    return rng.permutation(np.concatenate(whole))


def whole_batches(labels: np.ndarray, size: int) -> int:
    """How many batches `keep_together` gives. labels: (items,) int. Raises DataError if none."""
    counts = np.bincount(labels)
    batches = int((counts // size).sum())
    if not batches:
        raise DataError(
            f"training.clusters: the largest cluster has {counts.max()} items and a batch takes "
            f"{size}. Take fewer clusters or a smaller batch."
        )
    return batches


def _read(path: Path) -> tuple[list[str], np.ndarray]:
    """(ids, vectors) of a file that `unlabeled embed` wrote. Raises DataError."""
    try:
        table = pq.read_table(path, columns=["id", "vector"])
    except (OSError, ValueError, KeyError) as error:
        raise DataError(
            f"training.clusters.embeddings: {path} cannot be read as a table with the columns id "
            f"and vector: {error}. `unlabeled embed` writes one."
        ) from error
    # Nulls (items that lack a sensor) would be dropped by `flatten` and shift the rows after them.
    table = table.filter(table["vector"].is_valid())
    if not len(table):
        raise DataError(f"training.clusters.embeddings: {path} has no vectors.")
    width = len(table["vector"][0])
    vectors = table["vector"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
    return table["id"].to_pylist(), vectors.reshape(-1, width)


def _in_order(
    items: Items, ids: list[str], vectors: np.ndarray, path: str, count: int, seed: int
) -> np.ndarray:
    rows = {name: row for row, name in enumerate(ids)}
    found = np.array([rows.get(name, -1) for name in items.table["id"].to_pylist()])
    if (found < 0).all():
        raise DataError(
            f"training.clusters.embeddings: {path} holds none of the {len(items)} items; the first "
            f"item is {items[0].id!r}, its first is {ids[0]!r}. Embed the same folder."
        )
    labels = np.full(len(items), count)
    labels[found >= 0] = pseudo_labels(vectors[found[found >= 0]], count, seed)
    return labels
