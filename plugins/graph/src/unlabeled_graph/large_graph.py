"""One graph that is too large for a step: features stay on disk, edges are held as CSR.

For node i, `neighbours[first[i] : first[i + 1]]` are the nodes whose edges end at i. Ten million
edges take 40 MB; features are read row by row from the file that `save_graphs` writes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch_geometric.data import Data

from unlabeled.errors import UnreadableItem
from unlabeled_graph.graph_files import EXPECTED, read_directory

TYPES = {"F32": np.float32, "I64": np.int64}


@dataclass(frozen=True, slots=True)
class LargeGraph:
    """x: (N, F) float32, mapped from disk; first: (N + 1,); neighbours: (E,) int32."""

    x: np.ndarray
    first: np.ndarray
    neighbours: np.ndarray

    @classmethod
    def open(cls, path: Path) -> LargeGraph:
        """The only graph of a `.safetensors` file. Raises UnreadableItem."""
        found = read_directory(path)
        if len(found.ids) != 1 or found.node_features == 0:
            raise UnreadableItem(str(path), "one graph with node features", f"{len(found.ids)}")
        edges = _mapped(path, "edge_index")
        nodes = int(found.nodes[0])
        if edges.size and not 0 <= int(edges.min()) <= int(edges.max()) < nodes:
            raise UnreadableItem(str(path), f"node numbers 0 to {nodes - 1}", str(edges.max()))
        first, neighbours = by_target(edges, nodes)
        return cls(_mapped(path, "x"), first, neighbours)

    def __len__(self) -> int:
        return len(self.first) - 1

    def into(self, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """All edges that end at the nodes `targets` (T,): (source, place in `targets`), (E,) each.

        They come in the order of the targets.
        """
        degree = self.first[targets + 1] - self.first[targets]
        place = np.repeat(np.arange(len(targets)), degree)
        within = np.arange(len(place)) - np.repeat(np.cumsum(degree) - degree, degree)
        return self.neighbours[self.first[targets][place] + within].astype(np.int64), place

    def sample_into(
        self, targets: np.ndarray, count: int, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """As `into`, (E,) each, but at most `count` edges a target, drawn evenly without
        replacement.

        Floyd's algorithm (Bentley and Floyd 1987) for all targets at once.
        """
        start = self.first[targets]
        degree = self.first[targets + 1] - start
        few = np.flatnonzero(degree <= count)
        sources, places = self.into(targets[few])
        many = np.flatnonzero(degree > count)
        chosen = np.full((len(many), count), -1, dtype=np.int64)
        for step in range(count):
            last = degree[many] - count + step
            drawn = (rng.random(len(many)) * (last + 1)).astype(np.int64)
            repeated = (chosen == drawn[:, None]).any(1)
            chosen[:, step] = np.where(repeated, last, drawn)
        drawn = self.neighbours[(start[many][:, None] + chosen).ravel()].astype(np.int64)
        return (
            np.concatenate([sources, drawn]),
            np.concatenate([few[places], np.repeat(many, count)]),
        )

    def sampled(self, seeds: np.ndarray, fanout: tuple[int, ...], rng: np.random.Generator) -> Data:
        """The nodes `seeds`, (K,), their sampled neighbours, theirs and so on, one hop per
        `fanout`.

        Seeds come first. Every sampled edge is there with both directions, once.
        Source: Hamilton, Ying and Leskovec, NeurIPS 2017, arXiv:1706.02216 (GraphSAGE).
        """
        nodes, frontier, pairs = seeds, seeds, [np.zeros((2, 0), np.int64)]
        for count in fanout:
            source, place = self.sample_into(frontier, count, rng)
            pairs.append(np.stack([source, frontier[place]]))
            fresh = np.setdiff1d(source, nodes)
            nodes, frontier = np.concatenate([nodes, fresh]), fresh
        edges = np.concatenate(pairs, axis=1)
        return self._graph(nodes, np.concatenate([edges, edges[::-1]], axis=1))

    def induced(self, nodes: np.ndarray) -> Data:
        """The nodes (K,), each once, and all edges between them."""
        source, place = self.into(nodes)
        return self._graph(nodes, np.stack([source, nodes[place]]))

    def _graph(self, nodes: np.ndarray, edges: np.ndarray) -> Data:
        """Numbered by the place in `nodes`; edges that leave them go, and so do repeated ones."""
        order = np.argsort(nodes)
        ranked = nodes[order]
        place = np.searchsorted(ranked, edges).clip(max=len(nodes) - 1)
        inside = (ranked[place] == edges).all(0)
        local = order[place[:, inside]]
        keys = np.unique(local[0] * len(nodes) + local[1])
        local = np.stack([keys // len(nodes), keys % len(nodes)])
        return Data(torch.from_numpy(np.array(self.x[nodes])), torch.from_numpy(local))


def by_target(edges: np.ndarray, nodes: int) -> tuple[np.ndarray, np.ndarray]:
    """(first, neighbours) of (2, E) edges, source above target."""
    order = np.argsort(edges[1], kind="stable")
    first = np.concatenate([[0], np.cumsum(np.bincount(edges[1], minlength=nodes))])
    return first, edges[0][order].astype(np.int32)


def _mapped(path: Path, name: str) -> np.ndarray:
    """A tensor of a safetensors file as an array on disk: 8 bytes of length, JSON, values."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        entry = json.loads(file.read(length)).get(name)
    if entry is None or entry["dtype"] not in TYPES:
        raise UnreadableItem(str(path), EXPECTED, f"no {name} that can be mapped")
    offset, shape = 8 + length + entry["data_offsets"][0], tuple(entry["shape"])
    if 0 in shape:
        return np.zeros(shape, TYPES[entry["dtype"]])
    return np.memmap(path, TYPES[entry["dtype"]], "r", offset, shape)
