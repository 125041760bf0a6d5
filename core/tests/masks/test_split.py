import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from unlabeled.masks.split import split_tokens


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 3), st.integers(1, 4), st.integers(0, 1000))
def test_every_valid_token_is_in_exactly_one_part(rank, count, seed):
    rng = np.random.default_rng(seed)
    shapes = [tuple(rng.integers(1, 6, rank)) for _ in range(count)]
    valid = [rng.random(shape) < 0.8 for shape in shapes]
    hidden = [(rng.random(shape) < 0.5) & known for shape, known in zip(shapes, valid, strict=True)]
    split = split_tokens(valid, hidden)
    assert split.grid == tuple(np.max(shapes, axis=0))
    for row, (known, away) in enumerate(zip(valid, hidden, strict=True)):
        padded = np.zeros((2, *split.grid), dtype=bool)
        corner = tuple(map(slice, known.shape))
        padded[(0, *corner)], padded[(1, *corner)] = known & ~away, away
        for part, places in zip(padded, (split.visible[row], split.hidden[row]), strict=True):
            assert places[places >= 0].tolist() == np.flatnonzero(part).tolist()
