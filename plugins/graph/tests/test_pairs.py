"""Pairs of nodes beside sets of frozen sets."""

from itertools import combinations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from unlabeled_graph.pairs import other_pairs, pairs_of

EDGES = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=20)


def array(edges):
    return np.array(edges, np.int64).reshape(-1, 2).T


def as_set(pairs):
    return {tuple(pair) for pair in pairs.T.tolist()}


@given(EDGES)
def test_both_directions_and_repeats_are_one_pair(edges):
    pairs, of_edge = pairs_of(array(edges))
    assert as_set(pairs) == {tuple(sorted(edge)) for edge in edges}
    assert pairs.shape[1] == len(as_set(pairs))
    assert [tuple(pairs[:, place]) for place in of_edge] == [tuple(sorted(e)) for e in edges]


@given(EDGES, st.integers(0, 30), st.integers(0, 99))
def test_other_pairs_are_no_edges_no_loops_and_each_once(edges, count, seed):
    pairs, _ = pairs_of(array(edges))
    found = other_pairs(pairs, 7, count, np.random.default_rng(seed))
    free = set(combinations(range(7), 2)) - as_set(pairs)
    assert as_set(found) <= free
    assert found.shape == (2, len(as_set(found)))
    assert found.shape[1] == min(count, len(free))


def test_every_free_pair_is_as_likely():
    pairs, rng = array([(0, 1), (2, 3)]), np.random.default_rng(0)
    drawn = [tuple(other_pairs(pairs, 4, 1, rng)[:, 0]) for _ in range(2000)]
    free = sorted({(0, 2), (0, 3), (1, 2), (1, 3)})
    assert sorted(set(drawn)) == free
    assert all(abs(drawn.count(pair) / 2000 - 0.25) < 0.05 for pair in free)


def test_a_complete_graph_has_none():
    complete = array(list(combinations(range(5), 2)))
    assert other_pairs(complete, 5, 3, np.random.default_rng(0)).shape == (2, 0)
