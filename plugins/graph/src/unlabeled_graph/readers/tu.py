"""The text folders of the TU collection: `NAME_A.txt`, `NAME_graph_indicator.txt` and the rest.

Source: Morris et al. 2020, arXiv:2007.08663. Line i of a file belongs to node, edge or graph i;
numbering starts at 1 and runs through all graphs. Graph labels are not read: they belong in the
labels table of `unlabeled evaluate`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import torch
from pydantic import Field
from torch_geometric.data import Data

from unlabeled.contract import Preview, Previews
from unlabeled.data.items import Item, Items
from unlabeled.data.listing import FileRules, Listing, list_files
from unlabeled.data.sources import files_of, source_of
from unlabeled.errors import DataError, ShapeError, UnreadableItem
from unlabeled_graph.graphs import require_graph
from unlabeled_graph.readers.drawing import drawing_of
from unlabeled_graph.readers.policies import EdgePolicy, FeaturePolicy

INDICATOR = "_graph_indicator.txt"
READ = (
    INDICATOR,
    "_A.txt",
    "_node_labels.txt",
    "_node_attributes.txt",
    "_edge_labels.txt",
    "_edge_attributes.txt",
)
OTHERS = ("_graph_labels.txt", "_graph_attributes.txt", "readme.txt")
PARTS = tuple(part.lower() for part in (*READ, *OTHERS))
"""Endings of all files of the collection, including those that are not read."""


@dataclass(frozen=True, slots=True)
class Collection:
    """All graphs of one folder. sizes: (G,) nodes; edges: (2, E) by graph, numbered within it;
    first_edge: (G + 1,); x: (nodes, F); edge_attr: (E, K) or None."""

    sizes: np.ndarray
    edges: np.ndarray
    first_edge: np.ndarray
    x: np.ndarray
    edge_attr: np.ndarray | None


class TU(FileRules, Previews):
    """Reads graphs of a TU folder; given features are node attributes and one-hot node labels.

    The id is `NAME#graph`, graphs counted from 1; size = nodes.
    """

    edges: EdgePolicy = Field(EdgePolicy(), description="direction, self-loops, duplicates")
    features: FeaturePolicy = Field(FeaturePolicy(), description="where node features come from")

    def index(self, path: Path) -> Items:
        """All graphs of the set in the folder `path`; graphs without nodes are quarantined.

        Raises DataError if there is no such set, or its files contradict each other.
        """
        listing = list_files(path, self, PARTS)
        file = _indicator(listing)
        name = file.name.removesuffix(INDICATOR)
        sizes = _collection(file, file.stat().st_mtime_ns).sizes
        present = np.flatnonzero(sizes)
        columns: dict[str, list[Any]] = {
            "id": [f"{name}#{place + 1}" for place in present],
            "source": [source_of([file, *_others(file)])] * len(present),
            "size": sizes[present].tolist(),
            "place": present.tolist(),
        }
        for place in np.flatnonzero(sizes == 0):
            bad = UnreadableItem(f"{file}#{place + 1}", "a graph with nodes", "none")
            listing.quarantine(bad)
        return listing.items(columns, of="graph")

    def read(self, item: Item, rng: np.random.Generator | None = None) -> Data:  # noqa: ARG002
        """x (N, F), edge_index (2, E), edge_attr (E, K) or None. Raises UnreadableItem."""
        file, place = files_of(item.source)[0], item.metadata["place"]
        try:
            found = _collection(file, file.stat().st_mtime_ns)
        except (OSError, DataError) as error:
            raise UnreadableItem(str(file), "a folder of the TU collection", str(error)) from error
        graph = _graph(found, place)
        try:
            require_graph(graph, item.id, found.x.shape[1], graph.num_edge_features)
        except ShapeError as error:
            raise UnreadableItem(str(file), "finite numbers", str(error)) from error
        return self.features.apply(self.edges.apply(graph))

    def previews(self, item: Item, sample: Data) -> list[Preview]:  # noqa: ARG002
        """Nodes and lines."""
        return drawing_of(sample)

    def describe(self, items: Items) -> Mapping[str, int]:
        """Raises DataError if given features are wanted and there are none."""
        file = files_of(items[0].source)[0]
        found = _collection(file, file.stat().st_mtime_ns)
        width = self.features.width(found.x.shape[1])
        if width == 0:
            raise DataError(
                f"{file.parent}: expected node labels or attributes, found neither. Set "
                "reader.features.name to degree or constant."
            )
        edge_features = 0 if found.edge_attr is None else found.edge_attr.shape[1]
        return {"node_features": width, "edge_features": edge_features}


def _indicator(listing: Listing) -> Path:
    files = [file.path for file in listing.files if file.name.endswith(INDICATOR)]
    if len(files) != 1:
        raise DataError(
            f"{listing.path}: expected a folder with one NAME{INDICATOR} and its NAME_A.txt, "
            f"found {len(files)}"
        )
    return files[0]


def _others(file: Path) -> list[Path]:
    """The other files of the set that are there, so that a change of any is noticed."""
    name = file.name.removesuffix(INDICATOR)
    parts = (file.with_name(f"{name}{part}") for part in READ if part != INDICATOR)
    return [part for part in parts if part.exists()]


@lru_cache(maxsize=2)
def _collection(file: Path, changed: int) -> Collection:  # noqa: ARG001
    """Raises DataError."""
    owner = _table(file)[:, 0].astype(np.int64) - 1
    if len(owner) == 0 or owner[0] < 0 or (np.diff(owner) < 0).any():
        raise DataError(f"{file}: expected graph numbers from 1, ascending")
    ends = _table(_sibling(file, "A"), 2).astype(np.int64).T - 1
    if ends.size and not 0 <= ends.min() <= ends.max() < len(owner):
        raise DataError(
            f"{_sibling(file, 'A')}: expected node numbers 1 to {len(owner)}, "
            f"found {ends.min() + 1} to {ends.max() + 1}"
        )
    if (owner[ends[0]] != owner[ends[1]]).any():
        raise DataError(f"{_sibling(file, 'A')}: an edge joins nodes of two graphs")
    sizes = np.bincount(owner)
    order = np.argsort(owner[ends[0]], kind="stable")
    counts = np.bincount(owner[ends[0]], minlength=len(sizes))
    first_node = np.cumsum(sizes) - sizes
    attributes = _described(file, "edge", ends.shape[1])
    return Collection(
        sizes=sizes,
        edges=(ends - first_node[owner[ends[0]]])[:, order],
        first_edge=np.concatenate([[0], np.cumsum(counts)]),
        x=_described(file, "node", len(owner)),
        edge_attr=attributes[order] if attributes.shape[1] else None,
    )


def _graph(found: Collection, place: int) -> Data:
    start = int(found.sizes[:place].sum())
    edges = slice(found.first_edge[place], found.first_edge[place + 1])
    attributes = found.edge_attr
    return Data(
        x=torch.from_numpy(found.x[start : start + found.sizes[place]].copy()),
        edge_index=torch.from_numpy(found.edges[:, edges].copy()),
        edge_attr=None if attributes is None else torch.from_numpy(attributes[edges].copy()),
    )


def _described(file: Path, kind: str, count: int) -> np.ndarray:
    """Attributes and one-hot labels of all nodes or edges, (count, F) float32; F may be 0."""
    parts = [np.zeros((count, 0), np.float32)]
    attributes, labels = (_sibling(file, f"{kind}_{what}") for what in ("attributes", "labels"))
    if attributes.exists():
        parts.append(_table(attributes).astype(np.float32))
    if labels.exists():
        for column in _table(labels).T:
            names = np.unique(column)
            parts.append((column[:, None] == names).astype(np.float32))
    if any(len(part) != count for part in parts):
        raise DataError(f"{file.parent}: expected {count} lines on {kind}s, found another number")
    return np.concatenate(parts, axis=1)


def _sibling(file: Path, what: str) -> Path:
    return file.with_name(file.name.removesuffix(INDICATOR) + f"_{what}.txt")


def _table(file: Path, columns: int | None = None) -> np.ndarray:
    """The numbers in a file, (lines, columns). Raises DataError."""
    options = pa.csv.ReadOptions(autogenerate_column_names=True)
    try:
        table = pa.csv.read_csv(file, read_options=options)
        numbers = np.stack([column.to_numpy().astype(np.float64) for column in table.columns], 1)
    except (OSError, pa.ArrowInvalid, ValueError) as error:
        raise DataError(f"{file}: expected lines of numbers, found: {error}") from error
    if columns and numbers.shape[1] != columns:
        raise DataError(f"{file}: expected {columns} columns, found {numbers.shape[1]}")
    return numbers
