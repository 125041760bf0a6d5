import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from unlabeled.masks.random import RandomMask


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(1, 12), min_size=1, max_size=3).map(tuple),
    st.floats(0.01, 0.99),
    st.integers(0, 1000),
)
def test_hides_the_exact_count_of_available_tokens(shape, ratio, seed):
    rng = np.random.default_rng(seed)
    available = rng.random(shape) < 0.7
    count = int(available.sum())
    if count < 2:
        return
    hidden = RandomMask(ratio=ratio).plan(available, rng)
    assert hidden.sum() == min(max(round(ratio * count), 1), count - 1)
    assert not (hidden & ~available).any()


def test_hides_every_token_equally_often():
    available = np.ones(12, dtype=bool)
    available[5] = False
    rng = np.random.default_rng(0)
    share = np.mean([RandomMask(ratio=0.75).plan(available, rng) for _ in range(4000)], axis=0)
    assert share[5] == 0
    assert np.abs(np.delete(share, 5) - 8 / 11).max() < 0.03


def test_tubes_repeat_along_the_other_axes_but_spare_what_has_no_data():
    available = np.ones((3, 5, 6), dtype=bool)
    available[0, 2] = False
    hidden = RandomMask(ratio=0.5, axes=(1, 2)).plan(available, np.random.default_rng(0))
    assert (hidden[1] == hidden[2]).all()
    assert hidden[1].sum() == 15
    assert (hidden[0] == hidden[1] & available[0]).all()


@pytest.mark.parametrize("ratio", [0.0, 1.0, -0.1, 1.1])
def test_ratios_that_hide_nothing_or_everything_are_refused(ratio):
    with pytest.raises(ValidationError, match="ratio"):
        RandomMask(ratio=ratio)


def test_axes_that_the_grid_does_not_have_are_refused_by_name():
    with pytest.raises(ValueError, match=r"axes \(2,\) do not fit a grid of shape \(4, 4\)"):
        RandomMask(axes=(2,)).plan(np.ones((4, 4), dtype=bool), np.random.default_rng(0))
