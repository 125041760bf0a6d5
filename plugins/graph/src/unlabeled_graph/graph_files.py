"""Graphs on disk: one safetensors file for any number of graphs, which runs no code.

Tensors: `nodes` and `edges` (G,) counts; `x` (all nodes, F) and `edge_attr` (all edges, K) where
there are any; `edge_index` (2, all edges), numbered within each graph; where nodes have names,
`node_names`, their UTF-8 bytes one after another, and `node_name_ends` (all nodes,). The JSON
header holds `ids` and `groups`. Any part can be read alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor
from torch_geometric.data import Data

from unlabeled.atomic import write_bytes
from unlabeled.errors import ShapeError, UnreadableItem

FORMAT = "1"
EXPECTED = "graphs as unlabeled_graph.graph_files.save_graphs writes them"


@dataclass(frozen=True, slots=True)
class Directory:
    """The content of a file, without its features. nodes, edges: (G,) counts; widths: 0 for
    none."""

    ids: list[str]
    groups: list[str]
    nodes: np.ndarray
    edges: np.ndarray
    node_features: int
    edge_features: int


def save_graphs(
    graphs: Sequence[Data],
    path: Path | str,
    *,
    ids: Sequence[str] | None = None,
    groups: Sequence[str] | None = None,
) -> None:
    """Write graphs (a list, a PyG dataset) to `path`, which ends in `.safetensors`.

    It holds x, edge_index, edge_attr and, if every graph has them, `node_names`, one text per node.
    ids: one per graph, their numbers if None; groups: one per graph (patient, scaffold …). Raises
    ShapeError if graphs differ in their features, or a graph has a name twice.
    """
    samples = [graphs[index] for index in range(len(graphs))]
    header = {
        "format": FORMAT,
        "ids": json.dumps(list(ids or map(str, range(len(samples))))),
        "groups": json.dumps(list(groups or [""] * len(samples))),
    }
    tensors = {
        "nodes": torch.tensor([sample.num_nodes for sample in samples]),
        "edges": torch.tensor([sample.edge_index.shape[1] for sample in samples]),
        "edge_index": torch.cat([sample.edge_index for sample in samples], dim=1),
        **_joined(samples, "x"),
        **_joined(samples, "edge_attr"),
        **_joined_names(samples),
    }
    write_bytes(Path(path), save({k: v.contiguous() for k, v in tensors.items()}, header))


def read_directory(path: Path) -> Directory:
    """The content of a file. Raises UnreadableItem if it is not a file of graphs."""
    try:
        with safe_open(path, "pt") as file:
            header: Mapping[str, str] = file.metadata() or {}
            if header.get("format") != FORMAT:
                raise UnreadableItem(str(path), EXPECTED, "another safetensors file")
            return Directory(
                ids=json.loads(header["ids"]),
                groups=json.loads(header["groups"]),
                nodes=file.get_tensor("nodes").numpy(),
                edges=file.get_tensor("edges").numpy(),
                node_features=_width(file, "x"),
                edge_features=_width(file, "edge_attr"),
            )
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise UnreadableItem(str(path), EXPECTED, str(error)) from error


def read_graph(path: Path, nodes: slice, edges: slice) -> Data:
    """The graph whose nodes and edges lie in these rows of the file; x is (N, 0) without features.

    Raises UnreadableItem.
    """
    try:
        with safe_open(path, "pt") as file:
            names, count = set(file.keys()), nodes.stop - nodes.start
            return Data(
                x=file.get_slice("x")[nodes] if "x" in names else torch.zeros(count, 0),
                edge_index=file.get_slice("edge_index")[:, edges].long(),
                edge_attr=file.get_slice("edge_attr")[edges] if "edge_attr" in names else None,
            )
    except (OSError, SafetensorError) as error:
        raise UnreadableItem(str(path), EXPECTED, str(error)) from error


def read_node_names(path: Path, nodes: slice) -> np.ndarray | None:
    """The names of the nodes in these rows of the file, (N,); None where they have none.

    Raises UnreadableItem.
    """
    try:
        with safe_open(path, "pt") as file:
            if "node_names" not in file.keys():  # noqa: SIM118
                return None
            first = max(0, nodes.start - 1)
            ends = file.get_slice("node_name_ends")[first : nodes.stop].tolist()
            ends = ends if nodes.start else [0, *ends]
            text = file.get_slice("node_names")[ends[0] : ends[-1]].numpy().tobytes()
            return np.array([text[a - ends[0] : b - ends[0]].decode() for a, b in pairwise(ends)])
    except (OSError, SafetensorError, UnicodeDecodeError) as error:
        raise UnreadableItem(str(path), EXPECTED, str(error)) from error


def _joined_names(samples: Sequence[Data]) -> dict[str, Tensor]:
    named = [list(map(str, sample["node_names"])) for sample in samples if "node_names" in sample]
    if len(named) < len(samples):
        return {}
    for sample, names in zip(samples, named, strict=True):
        if len(set(names)) != len(names) or len(names) != sample.num_nodes:
            found = f"{len(names)} names, {len(set(names))} different ones"
            raise ShapeError(
                f"node_names: expected {sample.num_nodes} different names, found {found}"
            )
    coded = [name.encode() for names in named for name in names]
    return {
        "node_names": torch.frombuffer(bytearray(b"".join(coded) or b"\0"), dtype=torch.uint8),
        "node_name_ends": torch.tensor(list(map(len, coded)), dtype=torch.int64).cumsum(0),
    }


def _joined(samples: Sequence[Data], name: str) -> dict[str, Tensor]:
    values = [getattr(sample, name) for sample in samples]
    if all(value is None for value in values):
        return {}
    columns = {None if value is None else tuple(value.shape[1:]) for value in values}
    if len(columns) > 1:
        raise ShapeError(f"{name}: expected the same columns in every graph, found {columns}")
    return {name: torch.cat(values).float().reshape(sum(map(len, values)), -1)}


def _width(file: Any, name: str) -> int:
    return int(file.get_slice(name).get_shape()[1]) if name in file.keys() else 0  # noqa: SIM118
