import numpy as np
import torch
from graph_views import RATIOS, SAMPLES
from hypothesis import given
from hypothesis import strategies as st

from unlabeled_graph.augmentations.drop_nodes import DropNodes


@given(SAMPLES, RATIOS, st.integers(0, 99))
def test_nodes_go_with_their_edges_and_the_others_keep_theirs(sample, ratio, seed):
    sample.x = torch.arange(float(len(sample.x))).unsqueeze(1)  # each node's feature is its number

    changed = DropNodes(ratio=ratio)(sample, np.random.default_rng(seed))

    numbers = changed.x[:, 0].long()
    assert len(numbers) == len(sample.x) - int(ratio * len(sample.x))
    stay = set(numbers.tolist())
    expected = [e for e in map(tuple, sample.edge_index.T.tolist()) if set(e) <= stay]
    assert [tuple(e) for e in numbers[changed.edge_index].T.tolist()] == expected
    assert torch.equal(changed.edge_attr[:, 0], numbers[changed.edge_index].sum(0).float())
