"""A graph as nodes and lines, laid out by the distances along its edges."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_matrix, csr_matrix
from scipy.sparse.csgraph import breadth_first_order, shortest_path
from torch_geometric.data import Data

from unlabeled.contract import Preview

MOST = 60
"""Nodes that are drawn: of a larger graph those around its best connected node."""
SIDE, EDGE = 320, 14
COLOURS = ("#2b59c3", "#d55e00", "#009e73", "#cc79a7", "#c29b00", "#56b4e9", "#8c564b", "#7f5fc7")
SEED = 0
STEPS = 100


def drawing_of(graph: Data) -> list[Preview]:
    """Nodes coloured by the largest of their features; nothing for a graph without nodes."""
    count = int(graph.num_nodes or 0)
    if not count:
        return []
    links = _links(graph, count)
    shown = _shown(links, count)
    near = links[shown][:, shown].tocoo()
    places = EDGE + (SIDE - 2 * EDGE) * layout(near.tocsr())
    parts = [
        f'<line x1="{places[a, 0]:.0f}" y1="{places[a, 1]:.0f}" x2="{places[b, 0]:.0f}" '
        f'y2="{places[b, 1]:.0f}" stroke="#98a0ad"/>'
        for a, b in zip(near.row.tolist(), near.col.tolist(), strict=True)
        if a < b
    ]
    parts += [
        f'<circle cx="{x:.0f}" cy="{y:.0f}" r="5" fill="{COLOURS[kind % len(COLOURS)]}"/>'
        for (x, y), kind in zip(places.tolist(), _kinds(graph, shown), strict=True)
    ]
    opening = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIDE} {SIDE}">'
    few = "" if len(shown) == count else f", {len(shown)} shown around the best connected"
    caption = f"{count:,} nodes, {links.nnz // 2:,} edges{few}; colour: the largest feature"
    return [Preview(f"{opening}{''.join(parts)}</svg>".encode(), "svg", caption)]


def layout(links: csr_matrix) -> np.ndarray:
    """Places (n, 2) in [0, 1]: classical scaling of distances along edges (Torgerson 1952), then
    springs (Fruchterman and Reingold 1991), which part what scaling lays on one another. links:
    (n, n)."""
    count = links.shape[0]
    if count == 1:
        return np.full((1, 2), 0.5)
    hops = shortest_path(links, unweighted=True, directed=False)
    finite = np.isfinite(hops)
    hops[~finite] = 2 + hops[finite].max()  # parts stand apart
    centre = np.eye(count) - 1 / count
    _, vectors = np.linalg.eigh(-centre @ np.square(hops) @ centre / 2)
    # Leaves of one node are alike to all others, and springs do not part what is at one place.
    start = vectors[:, -2:] + np.random.default_rng(SEED).normal(0, 0.01, (count, 2))
    found = _sprung(start, links.toarray() > 0)
    low, high = found.min(0), found.max(0)
    placed: np.ndarray = (found - low) / np.maximum(high - low, 1e-9)
    return placed


def _sprung(places: np.ndarray, linked: np.ndarray) -> np.ndarray:
    """places: (n, 2); linked: (n, n) bool. Moves by at most a step that shrinks."""
    ideal = 1 / np.sqrt(len(places))
    for step in np.linspace(0.1, 0.005, STEPS):
        apart = places[:, None] - places[None]
        far = np.maximum(np.linalg.norm(apart, axis=2), 0.01)
        force = np.square(ideal / far) - linked * far / ideal
        move = (apart * force[..., None]).sum(1) - 0.3 * places  # parts do not drift away
        length = np.maximum(np.linalg.norm(move, axis=1, keepdims=True), 1e-9)
        places = places + move / length * np.minimum(length, step)
    return places


def _links(graph: Data, count: int) -> csr_matrix:
    """(N, N), once in each direction, without loops."""
    edges = np.zeros((2, 0), int) if graph.edge_index is None else graph.edge_index.numpy()
    edges = edges[:, edges[0] != edges[1]]
    both = np.unique(np.hstack([edges, edges[::-1]]), axis=1)
    return coo_matrix((np.ones(both.shape[1]), tuple(both)), shape=(count, count)).tocsr()


def _shown(links: coo_matrix, count: int) -> np.ndarray:
    """Nodes (n,), ascending."""
    if count <= MOST:
        return np.arange(count)
    middle = int(np.asarray(links.sum(1)).ravel().argmax())
    order = breadth_first_order(links, middle, directed=False, return_predecessors=False)
    return np.sort(order[:MOST])


def _kinds(graph: Data, shown: np.ndarray) -> list[int]:
    """The largest feature of each node (n,); 0 where there are none."""
    if graph.x is None or not graph.x.numel():
        return [0] * len(shown)
    return [int(kind) for kind in graph.x.float().argmax(1).numpy()[shown]]
