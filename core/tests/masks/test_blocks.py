import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from unlabeled.masks.blocks import BlockMask, first_covered

ratios = st.floats(0.01, 0.99)
shapes = st.lists(st.integers(1, 9), min_size=1, max_size=3).map(tuple)


@settings(max_examples=60, deadline=None)
@given(shapes, ratios, st.integers(1, 4), st.integers(0, 3), st.integers(0, 1000))
def test_hides_the_exact_count_of_available_tokens(shape, ratio, smallest, more, seed):
    rng = np.random.default_rng(seed)
    available = rng.random(shape) < 0.7
    count = int(available.sum())
    if count < 2:
        return
    mask = BlockMask(ratio=ratio, smallest=smallest, largest=smallest + more)
    hidden = mask.plan(available, rng)
    assert hidden.sum() == min(max(round(ratio * count), 1), count - 1)
    assert not (hidden & ~available).any()


def test_hides_every_token_equally_often():
    mask = BlockMask(ratio=400 / 512, smallest=3, largest=5)
    available = np.ones((8, 64), dtype=bool)
    rng = np.random.default_rng(0)
    share = np.mean([mask.plan(available, rng) for _ in range(3000)], axis=0)
    rows, columns = share.mean(axis=1), share.mean(axis=0)
    assert np.abs(rows - 400 / 512).max() < 0.02
    assert np.abs(columns - 400 / 512).max() < 0.02
    # 3,000 draws have a standard deviation of 0.0075 per token; the largest of 512 lies below 5.
    assert np.abs(share - 400 / 512).max() < 5 * 0.0075


def test_hidden_tokens_keep_together():
    available = np.ones((16, 16), dtype=bool)
    rng = np.random.default_rng(0)

    def lonely(mask: BlockMask) -> float:
        hidden = mask.plan(available, rng)
        around = sum(np.roll(hidden, step, axis) for axis in (0, 1) for step in (-1, 1))
        return (hidden & (around == 0)).sum() / hidden.sum()

    assert lonely(BlockMask(ratio=0.2, smallest=4, largest=4)) < 0.1
    assert lonely(BlockMask(ratio=0.2, smallest=1, largest=1)) > 0.2


def test_first_block_is_a_whole_cube():
    turn = first_covered((7, 8), (3, 2), np.random.default_rng(1))
    rows, columns = np.nonzero(turn == turn.min())
    assert len(rows) == 6
    assert len(set(rows)) == 3
    assert len(set(columns)) == 2


@pytest.mark.parametrize("axis", [0, 1])
def test_lines_are_hidden_as_a_whole(axis):
    available = np.ones((6, 20), dtype=bool)
    mask = BlockMask(ratio=0.5, smallest=2, largest=3, axes=(axis,))
    hidden = mask.plan(available, np.random.default_rng(0))
    lines = hidden.all(axis=1 - axis)
    assert (lines == hidden.any(axis=1 - axis)).all()
    assert lines.sum() == available.shape[axis] // 2


def test_seed_decides():
    available = np.ones((9, 9), dtype=bool)
    first, again, other = (
        BlockMask().plan(available, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert (first == again).all()
    assert (first != other).any()


def test_sizes_out_of_order_are_refused():
    with pytest.raises(ValidationError, match=r"smallest \(4\) is above largest \(3\)"):
        BlockMask(smallest=4, largest=3)
