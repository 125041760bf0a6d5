import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from unlabeled_graph.interactions import Interactions


def interactions(users=6, items=9, share=0.4, seed=0):
    has = np.random.default_rng(seed).random((users, items)) < share
    user, item = np.nonzero(has)
    return Interactions(user, item, users, items), has


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 8), st.integers(2, 9), st.floats(0, 1), st.integers(0, 99))
def test_an_item_that_is_drawn_is_never_one_of_the_users(users, items, share, seed):
    sample, has = interactions(users, items, share, seed)
    lacking = np.flatnonzero(~has.all(1))
    user = np.repeat(lacking, 50)
    other = sample.others(user, np.random.default_rng(seed))
    assert not has[user, other].any()
    assert ((other >= 0) & (other < items)).all()
    assert np.array_equal(sample.rankable, np.flatnonzero(~has.all(1)[sample.user]))


def test_every_lacking_item_is_drawn_equally_often():
    sample, has = interactions()
    for user in range(6):
        drawn = sample.others(np.full(9000, user), np.random.default_rng(user))
        counts = np.bincount(drawn, minlength=9)[~has[user]]
        assert counts.sum() == 9000
        assert chisquare(counts).pvalue > 1e-4


def test_the_pairs_of_a_user_lie_between_two_places():
    sample, has = interactions(share=0.2)
    assert len(sample) == has.sum()
    for user in range(6):
        own = sample.item[sample.first[user] : sample.first[user + 1]]
        assert np.array_equal(own, np.flatnonzero(has[user]))
