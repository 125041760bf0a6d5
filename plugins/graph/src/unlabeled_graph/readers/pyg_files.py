"""PyG's own `.pt` files, opened without running code from them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
from torch_geometric.data import Data
from torch_geometric.data.data import DataEdgeAttr, DataTensorAttr
from torch_geometric.data.separate import separate
from torch_geometric.data.storage import EdgeStorage, GlobalStorage, NodeStorage

from unlabeled.errors import UnreadableItem

ALLOWED = [Data, DataEdgeAttr, DataTensorAttr, GlobalStorage, NodeStorage, EdgeStorage]
"""Classes that may be built besides tensors and plain containers."""

MOST_DENSE = 2**28
"""Values of a sparse matrix that is made dense: 1 GiB."""

EXPECTED = "a PyG Data, a list of them or an InMemoryDataset, and nothing else, in a .pt file"


@dataclass(frozen=True, slots=True)
class Refused:
    """Why one graph of a file cannot be used."""

    expected: str
    found: str


def conversion(path: Path | str) -> str:
    """The code by which a user who trusts a file can convert it."""
    name = Path(path).name
    return (
        f'graphs = torch.load("{name}", weights_only=False)\n'
        f'unlabeled_graph.graph_files.save_graphs(graphs, "{Path(name).stem}.safetensors")'
    )


class CouldRunCode(UnreadableItem):
    """A file that would build something besides tensors and plain containers."""


def read_pyg_file(path: Path) -> list[Data | Refused]:
    """The graphs in a `.pt` file as float32, or why one of them cannot be used.

    Raises UnreadableItem if the file holds anything else.
    """
    return _read(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=2)
def _read(path: Path, changed: int) -> list[Data | Refused]:  # noqa: ARG001
    try:
        with torch.serialization.safe_globals(ALLOWED):
            loaded = torch.load(path, weights_only=True, map_location="cpu")
    except Exception as error:  # damaged bytes can make an unpickler raise anything
        # torch's long message advises to trust the file; only the name of the class is useful.
        culprit = re.search(r"GLOBAL (\S+)", str(error))
        if culprit:
            raise CouldRunCode(str(path), EXPECTED, culprit[1]) from error
        found = f"bytes that are none ({type(error).__name__})"
        raise UnreadableItem(str(path), EXPECTED, found) from error
    graphs = _graphs(loaded)
    if not graphs or not all(isinstance(each, Data) for each in graphs):
        raise UnreadableItem(str(path), EXPECTED, type(loaded).__name__)
    return [as_plain(graph) for graph in graphs]


def as_plain(graph: Data) -> Data | Refused:
    """x and edge_attr dense float32 of two axes, edge_index int64, and nothing else but names."""
    if graph.edge_index is None:
        return Refused(
            "edge_index (2, edges)", f"no edge_index among {', '.join(sorted(graph.keys()))}"
        )
    parts = {name: _dense(graph[name], name) for name in ("x", "edge_attr") if name in graph}
    names = list(map(str, graph["node_names"])) if "node_names" in graph else None
    if names is not None and not len(set(names)) == len(names) == graph.num_nodes:
        expected = f"{graph.num_nodes} different node_names"
        return Refused(expected, f"{len(names)}, {len(set(names))} of them different")
    for value in parts.values():
        if isinstance(value, Refused):
            return value
    plain = Data(edge_index=graph.edge_index.long(), num_nodes=graph.num_nodes, **parts)
    if names is not None:
        plain["node_names"] = names
    return plain


def _dense(value: object, name: str) -> torch.Tensor | Refused:
    if not isinstance(value, torch.Tensor) or value.is_complex():
        kind = value.dtype if isinstance(value, torch.Tensor) else type(value).__name__
        return Refused(f"{name} as a tensor of real numbers", str(kind))
    if value.ndim not in (1, 2):
        return Refused(f"{name} of one or two axes", f"shape {tuple(value.shape)}")
    if value.layout != torch.strided:
        if value.numel() > MOST_DENSE:
            return Refused(f"{name} dense, or of {MOST_DENSE} values at most", f"{value.layout}")
        value = value.to_dense()
    return value.float().reshape(len(value), -1)


def _graphs(loaded: object) -> list[Data]:
    if isinstance(loaded, Data):
        return [loaded]
    if isinstance(loaded, tuple) and len(loaded) > 1 and isinstance(loaded[1], dict):
        return _separated(*loaded[:2])
    return list(loaded) if isinstance(loaded, (list, tuple)) else []


def _separated(joined: object, slices: dict[str, torch.Tensor]) -> list[Data]:
    """InMemoryDataset keeps all graphs as one, with the rows where each begins."""
    data = joined if isinstance(joined, Data) else Data.from_dict(joined)
    count = len(next(iter(slices.values()))) - 1
    return [
        separate(cls=Data, batch=data, idx=index, slice_dict=slices, decrement=False)
        for index in range(count)
    ]
