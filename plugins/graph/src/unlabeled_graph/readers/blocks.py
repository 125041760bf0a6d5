"""Parts of one large graph: each item is a block of its nodes, read with its surroundings.

Sources: Chiang et al., KDD 2019, arXiv:1905.07953 (Cluster-GCN); Hamilton et al., NeurIPS 2017,
arXiv:1706.02216 (GraphSAGE). Clusters are consecutive runs of the reverse Cuthill-McKee order, in
which neighbours stand near each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from pydantic import Field
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import reverse_cuthill_mckee
from torch_geometric.data import Data

from unlabeled.contract import NamesNodes
from unlabeled.data.items import Item, Items
from unlabeled.data.listing import FileRules, Listing, list_files
from unlabeled.errors import DataError, UnreadableItem
from unlabeled.randomness import keyed_rng
from unlabeled_graph.graph_files import read_directory, read_node_names
from unlabeled_graph.large_graph import LargeGraph


class Blocks(FileRules, NamesNodes):
    """Reads subgraphs of a graph that `save_graphs` wrote; the id is `block#number`, size = nodes.

    Nodes are called by their names, or by their numbers in the whole graph.
    clusters: a block with all edges inside it; neighbours: random nodes with sampled neighbours.
    The edges and one batch are in memory.
    """

    by: Literal["clusters", "neighbours"] = Field(
        "clusters", description="nodes that lie together, or random ones with sampled neighbours"
    )
    nodes: int = Field(1000, gt=0, description="nodes of a block, without sampled neighbours")
    fanout: tuple[int, ...] = Field(
        (10, 10), min_length=1, description="neighbours sampled per node, hop by hop"
    )

    def index(self, path: Path) -> Items:
        """Raises DataError if `path` is no file with one graph."""
        listing = list_files(path, self, (".safetensors",))
        file = _require_one_graph(listing)
        count = int(read_directory(file).nodes[0])
        starts = np.arange(0, count, self.nodes)
        sizes = np.minimum(self.nodes, count - starts)
        columns = {
            "id": [f"block#{number}" for number in range(len(starts))],
            "source": [str(file)] * len(starts),
            "size": sizes.tolist(),
            "start": starts.tolist(),
        }
        return listing.items(columns, of="block of nodes")

    def read(self, item: Item, rng: np.random.Generator | None = None) -> Data:
        """x (N, F), edge_index (2, E); the block's own nodes come first.

        Without rng, neighbours are drawn by the item's name. Raises UnreadableItem.
        """
        file = Path(item.source)
        changed = file.stat().st_mtime_ns
        graph = _open(file, changed)
        nodes = _nodes(item, self.by)
        if self.by == "clusters":
            found = graph.induced(nodes)
        else:
            found = graph.sampled(nodes, self.fanout, rng or keyed_rng(item.id))
        if not torch.isfinite(found.x).all():
            raise UnreadableItem(f"{file}, {item.id}", "finite features", "NaN or infinite")
        return found

    def node_names(self, item: Item) -> np.ndarray:
        """The names (N,) of the block's own nodes, or their numbers in the whole graph.

        Sampled neighbours are not among them. Raises UnreadableItem.
        """
        file = Path(item.source)
        nodes = _nodes(item, self.by)
        names = _names(file, file.stat().st_mtime_ns)
        return nodes if names is None else names[nodes]

    def describe(self, items: Items) -> Mapping[str, int]:
        """The width of x."""
        return {"node_features": _open_item(items[0]).x.shape[1], "edge_features": 0}


def _require_one_graph(listing: Listing) -> Path:
    """The only file. Raises DataError if there are several, or it holds several graphs."""
    if len(listing.files) != 1:
        raise DataError(
            f"{listing.path}: expected one .safetensors file with one graph, found "
            f"{len(listing.files)}. Choose by reader.include."
        )
    file = listing.files[0].path
    try:
        graphs = len(read_directory(file).ids)
    except UnreadableItem as error:
        raise DataError(str(error)) from error
    if graphs != 1:
        raise DataError(f"{file}: expected one graph, found {graphs}: read it as graph/graphs")
    return file


def _open_item(item: Item) -> LargeGraph:
    file = Path(item.source)
    return _open(file, file.stat().st_mtime_ns)


@lru_cache(maxsize=1)
def _open(file: Path, changed: int) -> LargeGraph:  # noqa: ARG001
    return LargeGraph.open(file)


def _nodes(item: Item, by: str) -> np.ndarray:
    """The numbers (N,) of a block's own nodes in the whole graph."""
    file, start = Path(item.source), item.metadata["start"]
    return _order(file, file.stat().st_mtime_ns, by)[start : start + item.size]


@lru_cache(maxsize=1)
def _names(file: Path, changed: int) -> np.ndarray | None:  # noqa: ARG001
    return read_node_names(file, slice(0, int(read_directory(file).nodes[0])))


@lru_cache(maxsize=1)
def _order(file: Path, changed: int, by: str) -> np.ndarray:
    """All nodes, in the order from which blocks are cut."""
    graph = _open(file, changed)
    if by == "neighbours":
        return keyed_rng(file.name).permutation(len(graph))
    ones = np.ones(len(graph.neighbours), dtype=np.int8)
    matrix = csr_matrix((ones, graph.neighbours, graph.first), shape=(len(graph), len(graph)))
    order: np.ndarray = reverse_cuthill_mckee(matrix).astype(np.int64)
    return order
