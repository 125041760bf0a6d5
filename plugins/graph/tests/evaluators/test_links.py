import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch_geometric.data import Data

from unlabeled.errors import DataError
from unlabeled_graph.evaluators.links import HeldOut, hold_out, link_scores
from unlabeled_graph.pairs import other_pairs, pairs_of


def graph(nodes=30, edges=60):
    ends = torch.randint(nodes, (2, edges), generator=torch.Generator().manual_seed(0))
    return Data(torch.eye(nodes), torch.cat([ends, ends.flip(0)], 1), torch.rand(2 * edges, 2))


def sets(pairs):
    return {frozenset(pair) for pair in np.asarray(pairs).T.tolist()}


def test_what_is_held_out_is_gone_in_both_directions():
    whole = graph()
    held = hold_out(whole, share=0.2)

    before, left = sets(whole.edge_index), sets(held.graph.edge_index)
    assert left | sets(held.edges) == before
    assert not left & sets(held.edges)
    assert not sets(held.others) & before
    assert len(sets(held.others)) == held.edges.shape[1] > 0
    assert len(held.graph.edge_attr) == held.graph.edge_index.shape[1]
    with pytest.raises(DataError, match="nothing is held out"):
        hold_out(whole, share=0.001)


def test_scores_are_those_of_the_definition():
    held = HeldOut(None, np.array([[0, 2], [1, 3]]), np.array([[0, 1], [2, 2]]))
    nodes = torch.tensor([[1.0, 0], [1, 0.1], [-1, 0], [-1, 0.1]])

    assert link_scores(nodes, held) == (1.0, 1.0)
    assert link_scores(nodes[torch.tensor([0, 2, 1, 3])], held)[0] <= 0.5


@given(st.integers(1, 12), st.integers(0, 40), st.integers(0, 20))
def test_other_pairs_are_new_different_and_ordered(nodes, edges, count):
    rng = np.random.default_rng(count)
    pairs, pair = pairs_of(rng.integers(nodes, size=(2, edges)))
    others = other_pairs(pairs, nodes, count, rng)

    assert len(pair) == edges
    assert others.shape[1] <= count
    assert (others[0] < others[1]).all()
    assert len(sets(others)) == others.shape[1]
    assert not sets(others) & sets(pairs)
