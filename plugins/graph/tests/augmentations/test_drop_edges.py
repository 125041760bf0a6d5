import numpy as np
import torch
from graph_views import RATIOS, SAMPLES
from hypothesis import given
from hypothesis import strategies as st

from unlabeled_graph.augmentations.drop_edges import DropEdges, kept_edges


def pairs(sample):
    return set(map(tuple, sample.edge_index.T.tolist()))


@given(SAMPLES, RATIOS, st.integers(0, 99))
def test_dropped_edges_go_with_their_opposite_and_the_rest_stays_as_it_was(sample, ratio, seed):
    changed = DropEdges(ratio=ratio)(sample, np.random.default_rng(seed))

    assert pairs(changed) <= pairs(sample)
    assert pairs(changed) == {(b, a) for a, b in pairs(changed)}
    assert torch.equal(changed.x, sample.x)
    assert torch.equal(changed.edge_attr[:, 0], changed.edge_index.sum(0).float())


def test_the_share_of_edges_that_go_is_the_ratio():
    ends = np.arange(20_000)
    edges = torch.from_numpy(np.stack([ends, ends + 1]))

    kept = kept_edges(edges, 0.3, np.random.default_rng(0))

    assert abs(kept.mean() - 0.7) < 0.01
