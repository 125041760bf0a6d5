import numpy as np
import pytest
import torch
from torch_geometric.data import Data

from unlabeled_graph.augmentations.drop_edges import DropEdges
from unlabeled_graph.augmentations.drop_nodes import DropNodes
from unlabeled_graph.augmentations.mask_features import MaskFeatures


def graph(size, edges, seed=0):
    generator = torch.Generator().manual_seed(seed)
    ends = torch.randint(size, (2, edges), generator=generator)
    edge_index = torch.cat([ends, ends.flip(0)], dim=1)
    return Data(
        x=torch.rand(size, 3, generator=generator) + 1,
        edge_index=edge_index,
        edge_attr=edge_index.sum(0, keepdim=True).T.float(),
    )


@pytest.mark.parametrize("step", [DropEdges(ratio=0), DropNodes(ratio=0), MaskFeatures(ratio=0)])
def test_a_ratio_of_zero_changes_nothing(step):
    sample = graph(5, 8)

    changed = step(sample, np.random.default_rng(0))

    assert torch.equal(changed.x, sample.x)
    assert torch.equal(changed.edge_index, sample.edge_index)
