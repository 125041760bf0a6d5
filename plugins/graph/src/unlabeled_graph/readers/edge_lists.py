"""Edge lists: CSV and Parquet tables with one edge a row, and a table of nodes where there is one.

`trade.csv` holds the edges and `trade.nodes.csv` (or `.parquet`) the nodes of one graph. Columns
beside the ends and the node's name are features and must hold numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
import torch
from pydantic import Field
from torch_geometric.data import Data

from unlabeled.errors import DataError, ShapeError, UnreadableItem
from unlabeled.items import Item, Items, Quarantined
from unlabeled.settings import Settings
from unlabeled_graph.graphs import require_graph
from unlabeled_graph.readers.policies import EdgePolicy, FeaturePolicy

SUFFIXES = (".csv", ".parquet")
NODES = ".nodes"


class EdgeLists(Settings):
    """Reads one graph per table of edges; size = nodes, id = the file.

    Nodes are numbered in the order of their table, or sorted by name where there is none.
    """

    source: str = Field("source", description="column with the node that an edge starts at")
    target: str = Field("target", description="column with the node that it ends at")
    node: str = Field("node", description="column of the table of nodes with their names")
    edges: EdgePolicy = Field(EdgePolicy(), description="direction, self-loops, duplicates")
    features: FeaturePolicy = Field(FeaturePolicy(), description="where node features come from")

    def index(self, path: Path) -> Items:
        """All graphs below `path`; tables without the two columns are left out with a note.

        Raises DataError if there is none, or if they differ in the width of their features.
        """
        columns: dict[str, list[Any]] = {name: [] for name in ("id", "source", "size", "widths")}
        quarantine: list[Quarantined] = []
        notes: list[str] = []
        for file, name in _tables(path):
            try:
                graph = self._graph(file)
            except UnreadableItem as error:
                quarantine.append(Quarantined(error.source, error.expected, error.found))
                continue
            if graph is None:
                notes.append(f"{name} has no columns {self.source} and {self.target}; left out")
                continue
            columns["id"].append(name)
            columns["source"].append(str(file))
            columns["size"].append(len(graph.x))
            columns["widths"].append((graph.num_node_features, graph.num_edge_features))
        if not columns["id"]:
            found = [f"{q.source}: expected {q.expected}, found {q.found}" for q in quarantine]
            raise DataError("\n".join([f"{path}: no graph can be used.", *found, *notes]))
        if len(set(columns["widths"])) > 1:
            raise DataError(f"{path}: expected the same features in every table of edges")
        return Items.of(columns, quarantine, notes)

    def read(self, item: Item, rng: np.random.Generator | None = None) -> Data:  # noqa: ARG002
        """x (N, F), edge_index (2, E), edge_attr (E, K) or None. Raises UnreadableItem."""
        graph = self._graph(Path(item.source))
        if graph is None:
            columns = f"columns {self.source} and {self.target}"
            raise UnreadableItem(item.source, columns, "a table without them")
        try:
            require_graph(graph, "graph", *item.metadata["widths"])
        except ShapeError as error:
            raise UnreadableItem(item.source, "finite numbers", str(error)) from error
        return self.features.apply(self.edges.apply(graph))

    def describe(self, items: Items) -> Mapping[str, int]:
        """Raises DataError if features are to be given and there are none."""
        given, edge_features = items[0].metadata["widths"]
        width = self.features.width(given)
        if width == 0:
            raise DataError(
                f"{items[0].source}: expected a table of nodes with features beside it, found "
                "none. Set reader.features.name to degree or constant."
            )
        return {"node_features": width, "edge_features": edge_features}

    def _graph(self, file: Path) -> Data | None:
        table = _read(file, file.stat().st_mtime_ns)
        if not {self.source, self.target} <= set(table.column_names):
            return None
        nodes = _node_table(file)
        if nodes is not None and self.node not in nodes.column_names:
            raise UnreadableItem(str(file), f"a column {self.node} in its table of nodes", "none")
        ends = [_names(table[self.source]), _names(table[self.target])]
        names = _names(nodes[self.node]) if nodes is not None else _unique(ends)
        numbers = [pc.index_in(end, value_set=names) for end in ends]
        if any(number.null_count for number in numbers):
            raise UnreadableItem(str(file), "edges between named nodes", "an unknown or empty name")
        attributes = _features(table, {self.source, self.target}, file)
        return Data(
            x=torch.from_numpy(_features(nodes, {self.node}, file, rows=len(names))),
            edge_index=torch.from_numpy(np.stack([n.to_numpy() for n in numbers]).astype(np.int64)),
            edge_attr=torch.from_numpy(attributes) if attributes.shape[1] else None,
        )


def _tables(path: Path) -> list[tuple[Path, str]]:
    """Every table below `path` that is not a table of nodes. Raises DataError."""
    if not path.exists():
        raise DataError(f"{path}: expected a table or a folder of edge lists, found nothing there")
    if path.is_file():
        return [(path, path.name)]
    files = [f for f in path.rglob("*") if f.suffix in SUFFIXES and Path(f.stem).suffix != NODES]
    if not files:
        raise DataError(f"{path}: expected .csv or .parquet files with edges, found none")
    return [(file, file.relative_to(path).as_posix()) for file in sorted(files)]


def _node_table(file: Path) -> pa.Table | None:
    for suffix in SUFFIXES:
        beside = file.with_name(file.stem + NODES + suffix)
        if beside.exists():
            return _read(beside, beside.stat().st_mtime_ns)
    return None


@lru_cache(maxsize=8)
def _read(file: Path, changed: int) -> pa.Table:  # noqa: ARG001
    try:
        return pa.csv.read_csv(file) if file.suffix == ".csv" else pq.read_table(file)
    except (OSError, pa.ArrowInvalid) as error:
        raise UnreadableItem(str(file), "a CSV or Parquet table", str(error)) from error


def _names(column: pa.ChunkedArray) -> pa.Array:
    return pc.cast(column, pa.string()).combine_chunks()


def _unique(ends: list[pa.Array]) -> pa.Array:
    names = pc.unique(pa.concat_arrays(ends)).drop_null()
    return names.take(pc.sort_indices(names))


def _features(table: pa.Table | None, keys: set[str], file: Path, *, rows: int = 0) -> np.ndarray:
    """All other columns, (rows, F) float32. Raises UnreadableItem where one holds no numbers."""
    if table is None:
        return np.zeros((rows, 0), np.float32)
    columns = [name for name in table.column_names if name not in keys]
    values = np.zeros((table.num_rows, len(columns)), np.float32)
    for place, name in enumerate(columns):
        try:
            values[:, place] = pc.cast(table[name], pa.float32()).to_numpy()
        except pa.ArrowInvalid as error:
            raise UnreadableItem(str(file), f"numbers in column {name}", str(error)) from error
    return values
