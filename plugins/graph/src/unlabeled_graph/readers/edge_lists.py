"""Edge lists: tables with one edge a row, and a table of nodes where there is one.

`trade.csv` holds the edges and `trade.nodes.csv` the nodes of one graph, or `trade_edges.csv` and
`trade_nodes.csv`, in any format of `unlabeled.data.tables`. Columns beside the ends and the node's
name are features (`columns`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from pydantic import Field
from torch_geometric.data import Data

from unlabeled.contract import NamesNodes, Preview, Previews
from unlabeled.data.items import Item, Items
from unlabeled.data.listing import FileRules, Listing, list_files
from unlabeled.data.sources import files_of, source_of
from unlabeled.data.tables import SUFFIXES, Table, read_table
from unlabeled.errors import DataError, ShapeError, UnreadableItem
from unlabeled.wording import counted
from unlabeled_graph.graphs import require_graph
from unlabeled_graph.readers.columns import ColumnPolicy
from unlabeled_graph.readers.drawing import drawing_of
from unlabeled_graph.readers.policies import EdgePolicy, FeaturePolicy

NODES = ".nodes"
EDGES = re.compile(r"edges$", re.IGNORECASE)
COLUMNS = ("id", "source", "group", "size", "widths")


@dataclass(frozen=True, slots=True)
class Network:
    """A graph, the names of its N nodes, and notes on its tables."""

    graph: Data
    names: pa.Array
    notes: tuple[str, ...]


class EdgeLists(FileRules, NamesNodes, Previews):
    """Reads one graph per table of edges; size = nodes, id = the file.

    Nodes are in the order of their table, or sorted by name without one, and are called by their
    names.
    """

    source: str = Field("source", description="column with the node that an edge starts at")
    target: str = Field("target", description="column with the node that it ends at")
    node: str = Field("node", description="column of the table of nodes with their names")
    columns: ColumnPolicy = Field(ColumnPolicy(), description="which columns are features")
    edges: EdgePolicy = Field(EdgePolicy(), description="direction, self-loops, duplicates")
    features: FeaturePolicy = Field(FeaturePolicy(), description="where node features come from")

    def index(self, path: Path) -> Items:
        """All graphs below `path`; tables without the two columns are left out with a note.

        Raises DataError if there is none, or if they differ in the width of their features.
        """
        columns: dict[str, list[Any]] = {name: [] for name in COLUMNS}
        listing, notes = list_files(path, self, SUFFIXES), list[str]()
        of_nodes = {_node_table(file.path) for file in listing.files}
        for file in listing.files:
            if file.path != path and (file.path in of_nodes or _stem(file.path).endswith(NODES)):
                continue
            try:
                network = self._network(file.path)
            except UnreadableItem as error:
                listing.quarantine(error)
                continue
            if network is None:
                listing.leave_out(
                    f"that have no columns {self.source} and {self.target} (reader.source, target)",
                    file.name,
                )
                continue
            graph = network.graph
            notes += network.notes
            widths = (graph.num_node_features, graph.num_edge_features)
            source = source_of([each for each in (file.path, _node_table(file.path)) if each])
            values = (file.name, source, file.group, len(graph.x), widths)
            for name, value in file.row(dict(zip(COLUMNS, values, strict=True))).items():
                columns.setdefault(name, []).append(value)
        _count_lone_node_tables(listing)
        if len(set(columns["widths"])) > 1:
            raise DataError(
                f"{path}: expected the same features in every table of edges. Choose them by "
                "reader.columns.use."
            )
        return listing.items(columns, notes, of="table of edges")

    def read(self, item: Item, rng: np.random.Generator | None = None) -> Data:  # noqa: ARG002
        """x (N, F), edge_index (2, E), edge_attr (E, K) or None. Raises UnreadableItem."""
        graph = self._required(item).graph.clone()
        try:
            require_graph(graph, "graph", *item.metadata["widths"])
        except ShapeError as error:
            file = files_of(item.source)[0]
            raise UnreadableItem(str(file), "finite numbers", str(error)) from error
        return self.features.apply(self.edges.apply(graph))

    def previews(self, item: Item, sample: Data) -> list[Preview]:  # noqa: ARG002
        """Nodes and lines."""
        return drawing_of(sample)

    def node_names(self, item: Item) -> np.ndarray:
        """The names (N,) in the tables. Raises UnreadableItem."""
        names: np.ndarray = self._required(item).names.to_numpy(zero_copy_only=False)
        return names

    def describe(self, items: Items) -> Mapping[str, int]:
        """Raises DataError if given features are wanted and there are none."""
        given, edge_features = items[0].metadata["widths"]
        width = self.features.width(given)
        if width == 0:
            file = files_of(items[0].source)[0]
            raise DataError(
                f"{file}: expected a table of nodes with features beside it, "
                f"{_stem(file)}{NODES}.csv, found none. Set reader.features.name to degree or "
                "constant."
            )
        return {"node_features": width, "edge_features": edge_features}

    def _required(self, item: Item) -> Network:
        file = files_of(item.source)[0]
        network = self._network(file)
        if network is None:
            columns = f"columns {self.source} and {self.target}"
            raise UnreadableItem(str(file), columns, "a table without them")
        return network

    def _network(self, file: Path) -> Network | None:
        beside = _node_table(file)
        changed = tuple(each.stat().st_mtime_ns for each in (file, beside) if each)
        return _cached(self.model_dump_json(), file, beside, changed)

    def build(self, file: Path, beside: Path | None) -> Network | None:
        """The graph of a table of edges and a table of nodes; None if the former lacks the ends.

        Raises UnreadableItem, which names what is wrong and where.
        """
        table = _read(file)
        if not {self.source, self.target} <= set(table.names):
            return None
        nodes = _read(beside) if beside else None
        ends = [_names(table, name) for name in (self.source, self.target)]
        names = self._declared(nodes) if nodes else _unique(ends)
        numbers = [_numbers(end, names, table) for end in ends]
        attributes, on_edges = self.columns.features(table, (self.source, self.target))
        if nodes:
            x, on_nodes = self.columns.features(nodes, (self.node,))
        else:
            x, on_nodes = np.zeros((len(names), 0), np.float32), []
        graph = Data(
            x=torch.from_numpy(x),
            edge_index=torch.from_numpy(np.stack(numbers)),
            edge_attr=torch.from_numpy(attributes) if attributes.shape[1] else None,
        )
        read = [each for each in (table, nodes) if each]
        notes = [*on_edges, *on_nodes, *(note for each in read for note in each.notes())]
        return Network(graph, names, tuple(notes))

    def _declared(self, nodes: Table) -> pa.Array:
        """The names in a table of nodes. Raises UnreadableItem if one is missing or repeated."""
        if self.node not in nodes.names:
            expected = f"a column {self.node} in its table of nodes"
            raise UnreadableItem(str(nodes.path), expected, f"columns {', '.join(nodes.names)}")
        names = _names(nodes, self.node)
        first = pc.index_in(names, value_set=pc.unique(names)).to_numpy(zero_copy_only=False)
        _, rows = np.unique(first, return_index=True)
        again = np.setdiff1d(np.arange(len(first)), rows)
        if len(again):
            name, place = names[int(again[0])], int(again[0])
            before = int(np.flatnonzero(first == first[place])[0])
            others = f" (and {counted(len(again) - 1, 'more row')})" if len(again) > 1 else ""
            found = f"{name.as_py()!r} in rows {nodes.rows[before]} and {nodes.rows[place]}{others}"
            raise UnreadableItem(str(nodes.path), f"each {self.node} once", found)
        return names


@lru_cache(maxsize=2)
def _cached(
    settings: str,
    file: Path,
    beside: Path | None,
    changed: tuple[int, ...],  # noqa: ARG001
) -> Network | None:
    return EdgeLists.model_validate_json(settings).build(file, beside)


def _count_lone_node_tables(listing: Listing) -> None:
    edges = {_stem(file.path) for file in listing.files}
    for file in listing.files:
        stem = _stem(file.path)
        if stem.endswith(NODES) and stem.removesuffix(NODES) not in edges:
            listing.leave_out("that are tables of nodes without one of edges", file.name)


def _node_table(file: Path) -> Path | None:
    """The table of nodes beside a table of edges."""
    stem = _stem(file)
    stems = [stem + NODES, *([EDGES.sub("nodes", stem)] if EDGES.search(stem) else [])]
    endings = [form for suffix in sorted(SUFFIXES) for form in (suffix, suffix.upper())]
    beside = (file.with_name(each + ending) for each in stems for ending in endings)
    return next((each for each in beside if each.exists()), None)


def _stem(file: Path) -> str:
    """The name without the ending of a table, which may be two: `.csv.gz`."""
    name = file.name
    ending = max((each for each in SUFFIXES if name.lower().endswith(each)), key=len, default="")
    return name[: len(name) - len(ending)]


def _read(file: Path) -> Table:
    try:
        return read_table(file)
    except DataError as error:
        found = str(error).removeprefix(f"{file}: ")
        raise UnreadableItem(str(file), "a table that can be read", found) from error


def _names(table: Table, column: str) -> pa.Array:
    """A column as text, (N,). Raises UnreadableItem where a row has none."""
    try:
        names = pc.cast(table.columns[column], pa.string()).combine_chunks()
    except pa.ArrowException as error:
        found = f"values of type {table.columns[column].type}"
        raise UnreadableItem(str(table.path), f"names in column {column}", found) from error
    if names.null_count:
        place = int(pc.index(pc.is_null(names), True).as_py())
        others = counted(names.null_count - 1, "more row") if names.null_count > 1 else ""
        found = f"nothing in row {table.rows[place]}{f' and {others}' if others else ''}"
        raise UnreadableItem(str(table.path), f"a name in column {column}", found)
    return names


def _unique(ends: list[pa.Array]) -> pa.Array:
    names = pc.unique(pa.chunked_array(ends))
    return names.take(pc.sort_indices(names))


def _numbers(ends: pa.Array, names: pa.Array, table: Table) -> np.ndarray:
    """The place of each end among the names, (E,) int64. Raises UnreadableItem."""
    places = pc.index_in(ends, value_set=names)
    if places.null_count:
        row = int(pc.index(pc.is_null(places), True).as_py())
        found = f"{ends[row].as_py()!r} in row {table.rows[row]} (and {places.null_count - 1} more)"
        raise UnreadableItem(str(table.path), "edges between nodes of the table of nodes", found)
    numbers: np.ndarray = places.to_numpy().astype(np.int64)
    return numbers
