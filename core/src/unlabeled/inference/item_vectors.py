"""One vector per item of a table of embeddings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from unlabeled.inference.table import Maker, read_embeddings


@dataclass(frozen=True, slots=True)
class ItemVectors:
    """The N items of a table that have a vector, in its order.

    ids, groups: (N,) text, an item without a group is its own; values: (N, D), the mean over an
    item's rows (windows, nodes); names: of all items, those without a vector too; digest: of the
    encoder and output that made the table, empty if it does not say.
    """

    ids: np.ndarray
    groups: np.ndarray
    values: np.ndarray
    names: tuple[str, ...]
    digest: str

    @property
    def absent(self) -> int:
        """Items without a vector: they lack what the output is made of."""
        return len(self.names) - len(self.ids)

    def take(self, places: np.ndarray) -> ItemVectors:
        """Those at positions (n,) int."""
        return ItemVectors(
            self.ids[places], self.groups[places], self.values[places], self.names, self.digest
        )


def item_vectors(path: Path | str) -> ItemVectors:
    """Read a table that `embed` wrote. Raises DataError."""
    rows = read_embeddings(Path(path))
    ids = np.array(rows["id"].to_pylist(), dtype=object)
    known = rows["vector"].is_valid().to_numpy()
    # Before anything is flattened, which drops nulls and would shift all rows after one.
    flat = rows["vector"].filter(pa.array(known)).combine_chunks().flatten()
    vectors = flat.to_numpy(zero_copy_only=False).reshape(int(known.sum()), -1)
    names, first, owner = np.unique(ids[known], return_index=True, return_inverse=True)
    order = np.argsort(first)
    sums = np.zeros((len(names), vectors.shape[1]))
    np.add.at(sums, owner, vectors)
    means = (sums / np.bincount(owner, minlength=len(names))[:, None]).astype(vectors.dtype)
    return ItemVectors(
        names[order],
        _groups(rows, known)[first][order],
        means[order],
        tuple(dict.fromkeys(ids.tolist())),
        Maker.written(rows.schema.metadata).digest,
    )


def _groups(rows: pa.Table, known: np.ndarray) -> np.ndarray:
    ids = np.array(rows["id"].to_pylist(), dtype=object)[known]
    if "group" not in rows.column_names:
        return np.asarray(ids)
    groups = np.array(rows["group"].to_pylist(), dtype=object)[known]
    return np.array([group or own for group, own in zip(groups, ids, strict=True)], dtype=object)
