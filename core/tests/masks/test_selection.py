import numpy as np
import pytest

from unlabeled.errors import ShapeError
from unlabeled.masks.selection import hidden_count, hide_first


@pytest.mark.parametrize(
    ("available", "ratio", "count"),
    [(512, 400 / 512, 400), (196, 0.75, 147), (225, 0.75, 169), (2, 0.9, 1), (3, 0.1, 1)],
)
def test_counts(available, ratio, count):
    assert hidden_count(available, ratio) == count


@pytest.mark.parametrize("available", [0, 1])
def test_too_few_tokens_are_refused_saying_what_is_legal(available):
    with pytest.raises(ShapeError, match=f"2 or more that may be hidden; found {available}"):
        hidden_count(available, 0.5)


@pytest.mark.parametrize("ratio", [0.0, 1.0, float("nan")])
def test_ratios_at_the_ends_are_refused_saying_what_is_legal(ratio):
    with pytest.raises(ShapeError, match="strictly between 0 and 1"):
        hidden_count(10, ratio)


def test_ties_are_broken_at_random_and_order_decides_otherwise():
    order = np.array([2.0, 1.0, 1.0, 1.0, 0.0])
    rng = np.random.default_rng(0)
    drawn = [hide_first(order, np.ones(5, bool), 2, rng) for _ in range(600)]
    share = np.mean(drawn, axis=0)
    assert share[0] == 0
    assert share[4] == 1
    assert np.abs(share[1:4] - 1 / 3).max() < 0.08
