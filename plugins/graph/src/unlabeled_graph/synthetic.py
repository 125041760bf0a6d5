"""Seeded toy graphs and molecules with known structure."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch_geometric.data import Data

from unlabeled_graph.graph_files import save_graphs

KINDS = 4
FAMILIES = 4
RINGS = ("c1ccccc1", "C1CCCCC1", "c1ccncc1", "c1ccoc1", "C1CCNCC1", "c1ccsc1")
TAILS = {"acid": "C(=O)O", "amine": "CN", "ether": "COC", "halide": "CCl"}


def write_graphs(path: Path, *, count: int, seed: int) -> None:
    """Write `graphs.safetensors` and `labels.csv` (item, label) into the folder `path`.

    A graph is a ring or a tree, which is its label; neighbours in a ring are of the same kind
    more often, in a tree of different kinds. x: one-hot of the kind; group: family of sizes.
    """
    graphs, labels = _graphs(count, seed)
    groups = [f"family{len(graph.x)}" for graph in graphs]
    save_graphs(graphs, path / "graphs.safetensors", groups=groups)
    items = [f"graphs.safetensors#{index}" for index in range(count)]
    _write_labels(path / "labels.csv", items, labels)


def write_large_graph(path: Path, *, count: int, seed: int) -> None:
    """Write `large.safetensors`, one graph of 1,000 · count nodes, and `labels.csv` of its blocks.

    Nodes belong to communities, which determine features and edges. A block's label is drawn.
    """
    graph, rng = community_graph(1000 * count, 4, seed), np.random.default_rng(seed)
    save_graphs([graph], path / "large.safetensors")
    items = [f"block#{number}" for number in range(count)]
    _write_labels(path / "labels.csv", items, [str(rng.integers(2)) for _ in items])


def community_graph(nodes: int, degree: int, seed: int, features: int = 16) -> Data:
    """An undirected graph of nodes · degree directed edges; four of five stay in a community.

    Communities are of 100 nodes; a node's features are those of its community, with noise.
    """
    rng = np.random.default_rng(seed)
    starts = np.repeat(np.arange(nodes), degree // 2)
    near = starts // 100 * 100 + rng.integers(100, size=len(starts))
    far = rng.integers(nodes, size=len(starts))
    ends = np.where(rng.random(len(starts)) < 0.8, near.clip(max=nodes - 1), far)
    centres = rng.normal(size=(nodes // 100 + 1, features)).astype(np.float32)
    x = centres[np.arange(nodes) // 100] + rng.normal(size=(nodes, features)).astype(np.float32)
    edges = np.stack([np.concatenate([starts, ends]), np.concatenate([ends, starts])])
    return Data(torch.from_numpy(x), torch.from_numpy(edges))


def write_tu(path: Path, *, count: int, seed: int) -> None:
    """The graphs of `write_graphs` as `TOY_*.txt` of the TU collection, and `labels.csv`."""
    graphs, labels = _graphs(count, seed)
    sizes = [len(graph.x) for graph in graphs]
    first = np.cumsum(sizes) - sizes
    lines: dict[str, Sequence[object]] = {
        "A": [
            f"{a}, {b}"
            for graph, start in zip(graphs, first, strict=True)
            for a, b in (graph.edge_index.T + start + 1).tolist()
        ],
        "graph_indicator": np.repeat(np.arange(1, count + 1), sizes).tolist(),
        "node_labels": torch.cat([graph.x.argmax(1) for graph in graphs]).tolist(),
    }
    for name, values in lines.items():
        (path / f"TOY_{name}.txt").write_text("\n".join(map(str, values)) + "\n")
    items = [f"TOY#{index}" for index in range(1, count + 1)]
    _write_labels(path / "labels.csv", items, labels)


def write_edge_lists(path: Path, *, count: int, seed: int) -> None:
    """The graphs of `write_graphs` as tables of edges and of nodes, and `labels.csv`."""
    graphs, labels = _graphs(count, seed)
    for index, graph in enumerate(graphs):
        edges = [f"{a},{b}" for a, b in graph.edge_index.T.tolist()]
        nodes = [",".join(map(str, [n, *kind])) for n, kind in enumerate(graph.x.int().tolist())]
        kinds = ",".join(f"kind{kind}" for kind in range(KINDS))
        for name, lines in (
            (f"{index:04}.csv", ["source,target", *edges]),
            (f"{index:04}.nodes.csv", [f"node,{kinds}", *nodes]),
        ):
            (path / name).write_text("\n".join(lines) + "\n")
    _write_labels(path / "labels.csv", [f"{index:04}.csv" for index in range(count)], labels)


def write_molecules(path: Path, *, count: int, seed: int) -> None:
    """Write `molecules.smi` and `labels.csv` (item, label) into the folder `path`.

    A molecule is a chain of methylenes between a ring, which is its scaffold, and a functional
    group, which is its label.
    """
    rng = np.random.default_rng(seed)
    labels = [tuple(TAILS)[index % len(TAILS)] for index in range(count)]
    lines = [
        RINGS[index // len(TAILS) % len(RINGS)] + "C" * int(rng.integers(1, 6)) + TAILS[label]
        for index, label in enumerate(labels)
    ]
    (path / "molecules.smi").write_text("\n".join(lines) + "\n", encoding="utf-8")
    items = [f"molecules.smi#{line}" for line in range(1, count + 1)]
    _write_labels(path / "labels.csv", items, labels)


def write_user_item(path: Path, *, count: int, seed: int) -> None:
    """Write `log.csv`, which 5 · count users took part in, and `labels.csv` of their tastes.

    An item is of one of four kinds, and users take most of theirs from the kind that they like. A
    fifth of the rows is marked as test; the time is the number of the row.
    """
    rng = np.random.default_rng(seed)
    users, items = 5 * count, 3 * count
    taste, kind = rng.integers(FAMILIES, size=users), rng.integers(FAMILIES, size=items)
    chance = np.where(taste[:, None] == kind, 40 / items, 4 / items).clip(max=0.8)
    pairs = rng.permutation(np.argwhere(rng.random(chance.shape) < chance))
    marks = np.where(rng.random(len(pairs)) < 0.2, "test", "train")
    rows = (
        f"u{user},i{item},{number},{mark}"
        for number, ((user, item), mark) in enumerate(zip(pairs, marks, strict=True))
    )
    (path / "log.csv").write_text("\n".join(["user,item,time,split", *rows]) + "\n")
    known = np.unique(pairs[marks == "train", 0])
    names = [f"interactions#user:u{user}" for user in known]
    _write_labels(path / "labels.csv", names, [f"taste{taste[user]}" for user in known])


def _graphs(count: int, seed: int) -> tuple[list[Data], list[str]]:
    rng = np.random.default_rng(seed)
    labels = ["ring" if index % 2 else "tree" for index in range(count)]
    sizes = [6 + 2 * (index // 2 % FAMILIES) for index in range(count)]
    return [_graph(label, size, rng) for label, size in zip(labels, sizes, strict=True)], labels


def _graph(label: str, size: int, rng: np.random.Generator) -> Data:
    nodes = np.arange(1, size)
    before = nodes - 1 if label == "ring" else rng.integers(0, nodes)
    ends = np.stack([before, nodes])
    if label == "ring":
        ends = np.concatenate([ends, [[size - 1], [0]]], axis=1)
    kinds = np.zeros(size, dtype=np.int64)
    for node, neighbour in zip(nodes, before, strict=True):
        same = rng.random() < (0.8 if label == "ring" else 0.2)
        kinds[node] = kinds[neighbour] if same else rng.integers(KINDS)
    return Data(
        x=torch.eye(KINDS)[torch.from_numpy(kinds)],
        edge_index=torch.from_numpy(np.concatenate([ends, ends[::-1]], axis=1)),
    )


def _write_labels(path: Path, items: Sequence[str], labels: Sequence[str]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["item", "label"])
        writer.writerows(zip(items, labels, strict=True))
