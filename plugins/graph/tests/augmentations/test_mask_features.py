import numpy as np
import torch
from graph_views import RATIOS, SAMPLES
from hypothesis import given
from hypothesis import strategies as st

from unlabeled_graph.augmentations.mask_features import MaskFeatures


@given(SAMPLES, RATIOS, st.integers(0, 99))
def test_hidden_columns_are_zero_in_all_nodes_and_the_others_untouched(sample, ratio, seed):
    changed = MaskFeatures(ratio=ratio)(sample, np.random.default_rng(seed))

    for before, after in zip(sample.x.T, changed.x.T, strict=True):
        assert torch.equal(after, before) or not after.any()
    assert torch.equal(changed.edge_index, sample.edge_index)
