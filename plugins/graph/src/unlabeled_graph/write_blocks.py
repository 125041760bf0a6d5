"""Write a table of edges and one of nodes as the file that `graph/blocks` reads in parts.

unlabeled graph blocks edges.csv nodes.parquet --out large.safetensors
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from unlabeled.errors import DataError, UnreadableItem, UsageError
from unlabeled_graph.graph_files import save_graphs
from unlabeled_graph.readers.edge_lists import EdgeLists
from unlabeled_graph.readers.policies import EdgePolicy


def blocks(
    edges: Path,
    nodes: Path,
    *,
    out: Path,
    source: str = "source",
    target: str = "target",
    node: str = "node",
    direction: Literal["keep", "undirected"] = "keep",
) -> dict[str, str | int | list[str]]:
    """Write one large graph from its tables, for the reader graph/blocks.

    Parameters
    ----------
    edges
        A table with one edge a row: CSV, JSON lines or Parquet.
    nodes
        A table with one node a row; its other columns are features.
    out
        The file to write, .safetensors.
    source
        Column of the edges with the node that an edge starts at.
    target
        Column of the edges with the node that it ends at.
    node
        Column of the nodes with their names.
    direction
        undirected adds the opposite of every edge that lacks it.
    """
    if out.suffix != ".safetensors":
        raise UsageError(f"{out}: expected a name that ends in .safetensors")
    reader = EdgeLists(source=source, target=target, node=node)
    try:
        network = reader.build(edges, nodes)
    except UnreadableItem as error:
        raise DataError(str(error)) from error
    if network is None:
        raise DataError(f"{edges}: expected the columns {source} and {target}; name them")
    graph = EdgePolicy(direction=direction).apply(network.graph)
    if not graph.num_node_features:
        raise DataError(f"{nodes}: expected columns of numbers beside {node}, as features")
    graph["node_names"] = network.names.to_pylist()
    save_graphs([graph], out, ids=[out.stem])
    counts = {"nodes": len(graph.x), "edges": graph.num_edges, "features": graph.num_node_features}
    return {"file": str(out), **counts, "notes": list(network.notes)}
