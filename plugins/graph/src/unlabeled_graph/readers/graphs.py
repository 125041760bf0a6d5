"""Folders of graphs: our safetensors files, and PyG's `.pt` files where they hold plain data."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import Field
from torch_geometric.data import Data

from unlabeled.contract import NamesNodes, Preview, Previews
from unlabeled.data.items import Item, Items
from unlabeled.data.listing import FileRules, Listed, Listing, list_files
from unlabeled.errors import DataError, ShapeError, UnreadableItem
from unlabeled_graph.graph_files import Directory, read_directory, read_graph, read_node_names
from unlabeled_graph.graphs import require_graph
from unlabeled_graph.readers.drawing import drawing_of
from unlabeled_graph.readers.policies import EdgePolicy, FeaturePolicy
from unlabeled_graph.readers.pyg_files import CouldRunCode, Refused, conversion, read_pyg_file

PYG = ".pt"
ENDINGS = (".safetensors", PYG)
COLUMNS = ("id", "source", "group", "size", "first_node", "edges", "first_edge", "place", "widths")


class Graphs(FileRules, NamesNodes, Previews):
    """Reads graphs as PyG `Data`; size = nodes, group as saved. The id is `file#id`.

    Nodes are called by their names where the file has them, else counted from 0 in each graph.
    """

    edges: EdgePolicy = Field(EdgePolicy(), description="direction, self-loops, duplicates")
    features: FeaturePolicy = Field(FeaturePolicy(), description="where node features come from")

    def index(self, path: Path) -> Items:
        """All graphs below `path` (a file or a folder); graphs without nodes are quarantined.

        Raises DataError if there is none, or if they differ in the width of their features.
        """
        columns: dict[str, list[Any]] = {name: [] for name in COLUMNS}
        listing, notes = list_files(path, self, ENDINGS), list[str]()
        for file in listing.files:
            try:
                _add(file, columns, listing)
            except UnreadableItem as error:
                listing.quarantine(error)
                if isinstance(error, CouldRunCode):
                    notes.append(
                        f"{file.path} is refused because opening it could run code. If you trust "
                        f"it:\n{conversion(file.path)}"
                    )
        _require_one_width(columns, path)
        return listing.items(columns, notes, of="graph")

    def read(self, item: Item, rng: np.random.Generator | None = None) -> Data:  # noqa: ARG002
        """x (N, F), edge_index (2, E), edge_attr (E, K) or None. Raises UnreadableItem."""
        graph = _read(item)
        given, edge_features = item.metadata["widths"]
        try:
            require_graph(graph, "graph", given, edge_features)
        except ShapeError as error:
            raise UnreadableItem(
                f"{item.source}, {item.id}", "a graph of finite numbers", str(error)
            ) from error
        return self.features.apply(self.edges.apply(graph))

    def previews(self, item: Item, sample: Data) -> list[Preview]:  # noqa: ARG002
        """Nodes and lines."""
        return drawing_of(sample)

    def node_names(self, item: Item) -> np.ndarray:
        """The names (N,) in the file, or numbers from 0. Raises UnreadableItem."""
        names = _names(item)
        return np.arange(item.size) if names is None else names

    def describe(self, items: Items) -> Mapping[str, int]:
        """Raises DataError if given features are wanted and there are none."""
        given, edge_features = items[0].metadata["widths"]
        width = self.features.width(given)
        if width == 0:
            raise DataError(
                f"{items[0].source}: expected node features, found none. Set "
                "reader.features.name to degree or constant."
            )
        return {"node_features": width, "edge_features": edge_features}


def _add(file: Listed, columns: dict[str, list[Any]], listing: Listing) -> None:
    """Raises UnreadableItem if the file cannot be used at all."""
    pyg = file.path.suffix.lower() == PYG
    found = _directory_of_pyg(file.path, listing) if pyg else read_directory(file.path)
    first_node = np.cumsum(found.nodes) - found.nodes
    first_edge = np.cumsum(found.edges) - found.edges
    for place, graph in enumerate(found.ids):
        if found.nodes[place] < 0:  # listed already
            continue
        if found.nodes[place] == 0:
            bad = UnreadableItem(f"{file.path}#{graph}", "a graph with nodes", "none")
            listing.quarantine(bad)
            continue
        row = (
            f"{file.name}#{graph}",
            str(file.path),
            file.group or found.groups[place],
            int(found.nodes[place]),
            int(first_node[place]),
            int(found.edges[place]),
            int(first_edge[place]),
            place,
            (found.node_features, found.edge_features),
        )
        for column, value in file.row(dict(zip(COLUMNS, row, strict=True))).items():
            columns.setdefault(column, []).append(value)


def _directory_of_pyg(file: Path, listing: Listing) -> Directory:
    """The content of a `.pt` file; a graph that cannot be used is quarantined, and has no nodes
    here."""
    graphs = read_pyg_file(file)
    usable = [graph for graph in graphs if isinstance(graph, Data)]
    for place, graph in enumerate(graphs):
        if isinstance(graph, Refused):
            listing.quarantine(UnreadableItem(f"{file}#{place}", graph.expected, graph.found))
    widths = {(graph.num_node_features, graph.num_edge_features) for graph in usable}
    if len(widths) > 1:
        found = " and ".join(map(str, sorted(widths)))
        raise UnreadableItem(str(file), "one width of node and edge features", found)
    node_features, edge_features = widths.pop() if widths else (0, 0)
    return Directory(
        ids=[str(place) for place in range(len(graphs))],
        groups=[""] * len(graphs),
        nodes=np.array([_count(graph, "num_nodes") for graph in graphs]),
        edges=np.array([_count(graph, "num_edges") for graph in graphs]),
        node_features=node_features,
        edge_features=edge_features,
    )


def _count(graph: Data | Refused, what: str) -> int:
    return -1 if isinstance(graph, Refused) else int(getattr(graph, what))


def _read(item: Item) -> Data:
    file, at = Path(item.source), item.metadata
    if file.suffix.lower() == PYG:
        graph = _graph_of_pyg(item)
        x = graph.x if graph.x is not None else torch.zeros(item.size, 0)
        return Data(x, graph.edge_index, graph.edge_attr)
    return read_graph(file, _nodes(item), slice(at["first_edge"], at["first_edge"] + at["edges"]))


def _names(item: Item) -> np.ndarray | None:
    file = Path(item.source)
    if file.suffix.lower() != PYG:
        return read_node_names(file, _nodes(item))
    graph = _graph_of_pyg(item)
    return np.array(graph["node_names"]) if "node_names" in graph else None


def _nodes(item: Item) -> slice:
    first: int = item.metadata["first_node"]
    return slice(first, first + item.size)


def _graph_of_pyg(item: Item) -> Data:
    graph = read_pyg_file(Path(item.source))[item.metadata["place"]]
    if isinstance(graph, Refused):
        raise UnreadableItem(f"{item.source}, {item.id}", graph.expected, graph.found)
    return graph


def _require_one_width(columns: Mapping[str, list[Any]], path: Path) -> None:
    widths = dict(zip(columns["widths"], columns["source"], strict=True))
    if len(widths) > 1:
        found = "; ".join(f"{w[0]} and {w[1]} in {file}" for w, file in widths.items())
        raise DataError(
            f"{path}: expected the same number of node and edge features in every file, "
            f"found {found}. Give one folder per kind of graph."
        )
