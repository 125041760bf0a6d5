import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch_geometric.data import Data

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


SAMPLES = st.builds(graph, st.integers(1, 12), st.integers(0, 30), st.integers(0, 99))


RATIOS = st.floats(0, 0.95)


@given(SAMPLES, RATIOS, st.integers(0, 99))
def test_hidden_columns_are_zero_in_all_nodes_and_the_others_untouched(sample, ratio, seed):
    changed = MaskFeatures(ratio=ratio)(sample, np.random.default_rng(seed))

    for before, after in zip(sample.x.T, changed.x.T, strict=True):
        assert torch.equal(after, before) or not after.any()
    assert torch.equal(changed.edge_index, sample.edge_index)
