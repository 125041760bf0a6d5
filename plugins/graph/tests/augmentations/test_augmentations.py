import numpy as np
import pytest
import torch
from graph_views import graph

from unlabeled_graph.augmentations.drop_edges import DropEdges
from unlabeled_graph.augmentations.drop_nodes import DropNodes
from unlabeled_graph.augmentations.mask_features import MaskFeatures


@pytest.mark.parametrize("step", [DropEdges(ratio=0), DropNodes(ratio=0), MaskFeatures(ratio=0)])
def test_a_ratio_of_zero_changes_nothing(step):
    sample = graph(5, 8)

    changed = step(sample, np.random.default_rng(0))

    assert torch.equal(changed.x, sample.x)
    assert torch.equal(changed.edge_index, sample.edge_index)
