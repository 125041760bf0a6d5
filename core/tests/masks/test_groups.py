import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from unlabeled.masks.groups import GroupMask


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(1, 12), min_size=1, max_size=3).map(tuple),
    st.floats(0.05, 0.95),
    st.integers(0, 1000),
)
def test_hides_the_exact_count_of_available_tokens(shape, ratio, seed):
    rng = np.random.default_rng(seed)
    available = rng.random(shape) < 0.8
    count = int(available.sum())
    if count < 2:
        return
    hidden = GroupMask(lowest=ratio, highest=ratio).plan(available, rng)
    assert hidden.sum() == min(max(round(ratio * count), 1), count - 1)
    assert not (hidden & ~available).any()


def test_amount_varies_between_its_bounds():
    available = np.ones((20, 20), dtype=bool)
    rng = np.random.default_rng(0)
    shares = [GroupMask().plan(available, rng).mean() for _ in range(300)]
    assert 0.5 <= min(shares) < 0.52
    assert 0.73 < max(shares) <= 0.75


def test_corners_are_hidden_as_often_as_the_centre():
    available = np.ones((12, 12), dtype=bool)
    rng = np.random.default_rng(0)
    mask = GroupMask(lowest=0.6, highest=0.6)
    share = np.mean([mask.plan(available, rng) for _ in range(600)], axis=0)
    corners, centre = share[[0, 0, -1, -1], [0, -1, 0, -1]], share[5:7, 5:7]
    assert abs(corners.mean() - 86 / 144) < 0.05
    assert abs(centre.mean() - 86 / 144) < 0.05


def test_bounds_out_of_order_are_refused():
    with pytest.raises(ValidationError, match=r"lowest \(0.8\) is above highest \(0.7\)"):
        GroupMask(lowest=0.8, highest=0.7)
