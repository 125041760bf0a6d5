import pytest
import torch
from torch_geometric.data import Data

from unlabeled.errors import ShapeError
from unlabeled_graph.baselines.atom_counts import AtomCounts
from unlabeled_graph.readers.atoms import molecule_graph


def test_atom_counts_are_the_formula_and_the_bonds():
    counts = AtomCounts()(molecule_graph("CC(=O)Oc1ccccc1", "aspirin without its acid"))

    assert counts[:13].tolist() == [0, 8, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    assert counts[13:].tolist() == [3, 1, 0, 6, 0]


def test_a_graph_that_is_no_molecule_is_refused():
    path = Data(x=torch.zeros(3, 1), edge_index=torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]))
    with pytest.raises(ShapeError, match="expected"):
        AtomCounts()(path)
