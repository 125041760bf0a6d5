import numpy as np
import pytest
import torch
from torch_geometric.data import Data

from unlabeled.errors import ShapeError
from unlabeled_graph.features.atom_counts import AtomCounts
from unlabeled_graph.features.degrees import CAP, Degrees
from unlabeled_graph.features.ecfp4 import ECFP4
from unlabeled_graph.readers.atoms import molecule_graph

PATH = Data(x=torch.zeros(3, 1), edge_index=torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]))


def test_atom_counts_are_the_formula_and_the_bonds():
    counts = AtomCounts()(molecule_graph("CC(=O)Oc1ccccc1", "aspirin without its acid"))

    assert counts[:13].tolist() == [0, 8, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    assert counts[13:].tolist() == [3, 1, 0, 6, 0]


def test_ecfp4_is_equal_for_equal_molecules_and_sees_two_bonds_far():
    a, b, c = (ECFP4()(molecule_graph(s, "here")) for s in ("CCO", "OCC", "CCCO"))

    assert a.shape == (2048,)
    assert set(np.unique(a)) == {0.0, 1.0}
    assert (a == b).all()
    assert (a != c).any()


@pytest.mark.parametrize("features", [AtomCounts(), ECFP4()])
def test_graphs_that_are_no_molecules_are_refused(features):
    with pytest.raises(ShapeError, match="expected"):
        features(PATH)


def test_degrees_of_a_path():
    found = Degrees()(PATH)

    assert found.shape == (6 + CAP + 1,)
    np.testing.assert_allclose(found[:6], [3, 4, 4 / 6, 4 / 3, np.sqrt(2) / 3, 2])
    np.testing.assert_allclose(found[6:9], [0, 2 / 3, 1 / 3])


def test_a_single_node_has_degrees_too():
    found = Degrees()(Data(x=torch.zeros(1, 1), edge_index=torch.zeros(2, 0, dtype=torch.long)))

    assert found[0] == 1
    assert np.isfinite(found).all()
