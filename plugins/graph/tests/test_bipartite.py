import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from user_item_samples import adjacency, interactions, normalised

from unlabeled_graph import bipartite
from unlabeled_graph.bipartite import Bipartite
from unlabeled_graph.interactions import Interactions


@pytest.fixture(params=["sparse products", "sums of rows"])
def either(request, monkeypatch):
    """Builds of torch without MKL have no sparse products on the CPU."""
    if request.param == "sums of rows":
        monkeypatch.setattr(bipartite, "available", lambda values: False)


@pytest.mark.usefixtures("either")
def test_the_layer_is_the_normalised_adjacency():
    sample = interactions(share=0.3, seed=4)
    x = torch.randn(12, 3, dtype=torch.float64, requires_grad=True)
    graph = Bipartite.of(sample)
    torch.testing.assert_close(graph.spread(x), normalised(sample) @ x, rtol=0, atol=1e-12)
    assert torch.autograd.gradcheck(graph.spread, (x,))


def test_roots_of_degrees_stay_as_they_are():
    sample = interactions(share=0.5, seed=1)
    x = adjacency(sample).sum(1, keepdim=True).sqrt()
    torch.testing.assert_close(Bipartite.of(sample).spread(x), x, rtol=0, atol=1e-12)


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 99))
def test_a_graph_that_lacks_interactions_is_that_of_the_others(users, items, seed):
    sample = interactions(users, items, 0.6, seed)
    dropped = np.random.default_rng(seed).random((2, len(sample))) < 0.4
    left = [~dropped[0], ~dropped[0] & ~_spread_out(dropped[1], ~dropped[0])]
    graph = Bipartite.of(sample)
    x = torch.randn(users + items, 2, dtype=torch.float64)
    for kept, drop in zip(left, dropped, strict=True):
        now = drop if kept is left[0] else drop[left[0]]
        graph = graph.without(torch.from_numpy(now))
        rest = Interactions(sample.user[kept], sample.item[kept], users, items)
        torch.testing.assert_close(graph.spread(x), normalised(rest) @ x, rtol=0, atol=1e-12)


def _spread_out(drop, left):
    """A mask over all interactions, of the same ones as `drop` over those that are left."""
    found = np.zeros(len(left), bool)
    found[left] = drop[left]
    return found
