import random

import numpy as np
import pytest
import torch

from unlabeled.augmentations.seeded import seeded


def draw():
    return torch.rand(()).item(), np.random.rand(), random.random()


def test_global_draws_depend_on_the_generator_alone():
    drawn = []
    for seed in (1, 1, 2):
        with seeded(np.random.default_rng(seed)):
            drawn.append(draw())
    assert drawn[0] == drawn[1]
    assert all(a != b for a, b in zip(drawn[0], drawn[2], strict=True))


def test_successive_uses_differ():
    rng = np.random.default_rng(0)
    with seeded(rng):
        one = draw()
    with seeded(rng):
        assert draw() != one


@pytest.mark.parametrize("fails", [False, True])
def test_nothing_outside_notices(fails):
    torch.manual_seed(5), np.random.seed(5), random.seed(5)
    expected = draw()
    torch.manual_seed(5), np.random.seed(5), random.seed(5)
    try:
        with seeded(np.random.default_rng(0)):
            draw()
            if fails:
                raise KeyError
    except KeyError:
        pass
    assert draw() == expected
