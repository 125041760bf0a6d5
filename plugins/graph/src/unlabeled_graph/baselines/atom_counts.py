"""Counts of the atoms of each element and the bonds of each type in a molecule."""

from __future__ import annotations

import numpy as np
from torch_geometric.data import Data

from unlabeled.errors import ShapeError
from unlabeled.settings import Settings
from unlabeled_graph.readers.atoms import ATOM_BLOCKS, BOND_BLOCKS, EDGE_FEATURES, NODE_FEATURES


class AtomCounts(Settings):
    """The composition of a molecule read by `graph/molecules`."""

    def __call__(self, sample: Data) -> np.ndarray:
        """(elements + bond types,) counts. Raises ShapeError for a graph that is no molecule."""
        widths = (sample.num_node_features, sample.num_edge_features)
        if widths != (NODE_FEATURES, EDGE_FEATURES):
            raise ShapeError(
                f"graph/atom_counts: expected {NODE_FEATURES} node and {EDGE_FEATURES} edge "
                f"features, as graph/molecules gives them, found {widths[0]} and {widths[1]}"
            )
        atoms = sample.x[:, : ATOM_BLOCKS["element"]].sum(0)
        bonds = sample.edge_attr[:, : BOND_BLOCKS["type"]].sum(0) / 2
        counts: np.ndarray = np.concatenate([atoms.numpy(), bonds.numpy()])
        return counts
