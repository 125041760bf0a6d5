import numpy as np
import pytest
import torch
from torch_geometric.data import Data

from unlabeled.errors import ShapeError
from unlabeled_graph.baselines.ecfp4 import ECFP4
from unlabeled_graph.readers.atoms import molecule_graph


def test_ecfp4_is_equal_for_equal_molecules_and_sees_two_bonds_far():
    a, b, c = (ECFP4()(molecule_graph(s, "here")) for s in ("CCO", "OCC", "CCCO"))

    assert a.shape == (2048,)
    assert set(np.unique(a)) == {0.0, 1.0}
    assert (a == b).all()
    assert (a != c).any()


def test_a_graph_that_is_no_molecule_is_refused():
    path = Data(x=torch.zeros(3, 1), edge_index=torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]))
    with pytest.raises(ShapeError, match="expected"):
        ECFP4()(path)
