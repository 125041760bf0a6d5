"""Cluster the items of tables of embeddings: a column for `training.batches` and `evaluate`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from unlabeled.atomic import new_file
from unlabeled.errors import DataError, UsageError
from unlabeled.inference.item_vectors import item_vectors
from unlabeled.probes.k_means import cluster as k_means
from unlabeled.probes.standardise import standardise

STARTS = 10


@dataclass(frozen=True, slots=True)
class Clustered:
    """The result of `cluster`.

    sizes: of the clusters, by their names; absent: items that have no vector in one of the tables
    or are not in each, and are left out.
    """

    path: Path
    items: int
    sizes: dict[str, int]
    absent: int

    def to_dict(self) -> dict[str, Any]:
        return {
            "path": str(self.path),
            "items": self.items,
            "sizes": self.sizes,
            "absent": self.absent,
        }


def cluster(
    embeddings: Path | str | Sequence[Path | str], out: Path | str, *, count: int, seed: int = 0
) -> Clustered:
    """Write the table `out` (.csv or .parquet) with the columns item and cluster.

    embeddings: Parquet files that `embed` wrote, one or several of the same items; count: k-means
    clusters of each, on vectors whose columns are standardised. Items with many rows (windows,
    nodes) are clustered by their mean. With several tables, items share a cluster if they do in
    each table: multistage contrast (Zhang et al. 2024). Clusters are named c0, c1, … by size.
    Raises DataError, UsageError.
    """
    several = [embeddings] if isinstance(embeddings, Path | str) else embeddings
    paths, out = [Path(path) for path in several], Path(out)
    if out.suffix not in (".csv", ".parquet"):
        raise UsageError(f"{out}: expected a name that ends in .csv or .parquet")
    found = [item_vectors(path) for path in paths]
    every = dict.fromkeys(name for each in found for name in each.names)
    tables = [dict(zip(each.ids.tolist(), each.values, strict=True)) for each in found]
    names = [name for name in every if all(name in table for table in tables)]
    if len(names) < count:
        raise DataError(
            f"{', '.join(map(str, paths))}: expected at least {count} items with a vector, for as "
            f"many clusters; found {len(names)}"
        )
    stages = [_labels(np.stack([table[name] for name in names]), count, seed) for table in tables]
    codes = _by_size(np.unique(np.stack(stages, axis=1), axis=0, return_inverse=True)[1].ravel())
    width = len(str(codes.max()))
    clusters = [f"c{code:0{width}}" for code in codes.tolist()]
    _write(pa.table({"item": names, "cluster": clusters}), out)
    sizes = {f"c{code:0{width}}": int(size) for code, size in enumerate(np.bincount(codes))}
    return Clustered(out, len(names), sizes, len(every) - len(names))


def _labels(vectors: np.ndarray, count: int, seed: int) -> np.ndarray:
    scaled, _ = standardise(vectors, vectors[:0])
    labels: np.ndarray = k_means(scaled, count, STARTS, seed).labels_
    return labels


def _by_size(codes: np.ndarray) -> np.ndarray:
    """The same clusters (N,), numbered from the largest."""
    place = np.argsort(np.argsort(-np.bincount(codes), kind="stable"), kind="stable")
    return np.asarray(place[codes])


def _write(table: pa.Table, out: Path) -> None:
    with new_file(out) as partial:
        if out.suffix == ".csv":
            pyarrow.csv.write_csv(table, partial)
        else:
            pq.write_table(table, partial)
