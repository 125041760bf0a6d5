import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch_geometric.data import Data

from unlabeled_graph.augmentations.drop_edges import DropEdges, kept_edges
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


def pairs(sample):
    return set(map(tuple, sample.edge_index.T.tolist()))


SAMPLES = st.builds(graph, st.integers(1, 12), st.integers(0, 30), st.integers(0, 99))
RATIOS = st.floats(0, 0.95)


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


@given(SAMPLES, RATIOS, st.integers(0, 99))
def test_hidden_columns_are_zero_in_all_nodes_and_the_others_untouched(sample, ratio, seed):
    changed = MaskFeatures(ratio=ratio)(sample, np.random.default_rng(seed))

    for before, after in zip(sample.x.T, changed.x.T, strict=True):
        assert torch.equal(after, before) or not after.any()
    assert torch.equal(changed.edge_index, sample.edge_index)


@pytest.mark.parametrize("step", [DropEdges(ratio=0), DropNodes(ratio=0), MaskFeatures(ratio=0)])
def test_a_ratio_of_zero_changes_nothing(step):
    sample = graph(5, 8)

    changed = step(sample, np.random.default_rng(0))

    assert torch.equal(changed.x, sample.x)
    assert torch.equal(changed.edge_index, sample.edge_index)
