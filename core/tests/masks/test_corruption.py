import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from unlabeled.masks.corruption import ZERO, Corruption

shares = st.floats(0, 1)


@given(st.integers(1, 60), shares, shares, st.integers(0, 2**32))
def test_counts_are_exact_and_what_is_seen_stays(tokens, zeroed, share, seed):
    replaced = share * (1 - zeroed)
    rng = np.random.default_rng(seed)
    hidden = rng.random((tokens, 2)) < 0.5
    available = hidden | (rng.random((tokens, 2)) < 0.8)
    corruption = Corruption(zeroed=zeroed, replaced=replaced)
    if not available.any():
        return
    source = corruption.plan(hidden, available, rng)
    own = np.arange(hidden.size).reshape(hidden.shape)
    assert (source[~hidden] == own[~hidden]).all()
    count = int(hidden.sum())
    assert (source == ZERO).sum() == round(zeroed * count)
    changed = (source != own) & (source != ZERO)
    assert changed.sum() <= min(round(replaced * count), count - round(zeroed * count))
    assert available.ravel()[source[changed]].all()


def test_eighty_ten_ten_in_expectation_of_place():
    """Every hidden token meets each fate equally often."""
    hidden = np.ones(20, dtype=bool)
    rng = np.random.default_rng(0)
    plans = np.stack([Corruption().plan(hidden, hidden, rng) for _ in range(2000)])
    np.testing.assert_allclose((plans == ZERO).mean(axis=0), 0.8, atol=0.04)
    # One in twenty replacements is the token itself.
    np.testing.assert_allclose((plans == np.arange(20)).mean(axis=0), 0.105, atol=0.03)


def test_the_same_generator_gives_the_same_plan():
    hidden = np.arange(30).reshape(5, 6) % 3 > 0
    one, two = (Corruption().plan(hidden, hidden, np.random.default_rng(4)) for _ in range(2))
    assert (one == two).all()


def test_shares_above_one_are_refused():
    with pytest.raises(ValidationError, match=r"zeroed \+ replaced is 1.2, above 1"):
        Corruption(zeroed=0.8, replaced=0.4)
