"""PyG's own `.pt` files, opened without running code from them."""

from __future__ import annotations

import pickle
import re
from functools import lru_cache
from pathlib import Path

import torch
from torch_geometric.data import Data
from torch_geometric.data.data import DataEdgeAttr, DataTensorAttr
from torch_geometric.data.separate import separate
from torch_geometric.data.storage import EdgeStorage, GlobalStorage, NodeStorage

from unlabeled.errors import UnreadableItem

ALLOWED = [Data, DataEdgeAttr, DataTensorAttr, GlobalStorage, NodeStorage, EdgeStorage]
"""What may be built besides tensors and plain containers."""

EXPECTED = "a PyG Data, a list of them or an InMemoryDataset, and nothing else, in a .pt file"


def conversion(path: Path | str) -> str:
    """The lines with which a user who trusts a file converts it."""
    name = Path(path).name
    return (
        f'graphs = torch.load("{name}", weights_only=False)\n'
        f'unlabeled_graph.graph_files.save_graphs(graphs, "{Path(name).stem}.safetensors")'
    )


def read_pyg_file(path: Path) -> list[Data]:
    """The graphs in a `.pt` file. Raises UnreadableItem if it holds anything else."""
    return _read(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=2)
def _read(path: Path, changed: int) -> list[Data]:  # noqa: ARG001
    try:
        with torch.serialization.safe_globals(ALLOWED):
            loaded = torch.load(path, weights_only=True, map_location="cpu")
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        # torch's message is long and advises to trust the file; only the culprit is of use.
        culprit = re.search(r"GLOBAL (\S+)", str(error))
        found = culprit[1] if culprit else type(error).__name__
        raise UnreadableItem(str(path), EXPECTED, found) from error
    graphs = _graphs(loaded)
    if not graphs or not all(isinstance(each, Data) for each in graphs):
        raise UnreadableItem(str(path), EXPECTED, type(loaded).__name__)
    return graphs


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
