import numpy as np
import pytest

from unlabeled.probes.ridge import PENALTIES, Ridge, solve
from unlabeled.probes.splits import inner_folds


def closed_form(train, target, test, alpha):
    """Standardise with the training items, centre the target, solve the normal equations."""
    mean, std = train.mean(0), train.std(0)
    a, b = (train - mean) / std, (test - mean) / std
    weights = np.linalg.solve(a.T @ a + alpha * np.eye(a.shape[1]), a.T @ (target - target.mean()))
    return b @ weights + target.mean()


@pytest.mark.parametrize("noise", [0.1, 3.0, 30.0])
def test_equals_the_closed_form_with_the_penalty_of_the_least_inner_error(noise):
    rng = np.random.default_rng(1)
    train, test = rng.normal(size=(60, 8)) * np.arange(1, 9), rng.normal(size=(11, 8))
    target = train @ rng.normal(size=8) + noise * rng.normal(size=60)
    groups = rng.integers(0, 6, 60)

    def error(alpha):
        return sum(
            np.square(closed_form(train[a], target[a], train[b], alpha) - target[b]).sum()
            for a, b in inner_folds(groups)
        )

    best = min(PENALTIES, key=error)
    found = Ridge().predict(train, target, groups, test)
    np.testing.assert_allclose(found, closed_form(train, target, test, best), atol=1e-10)


def test_the_penalty_is_chosen_by_group():
    # Within a group the first column gives the target away; across groups it is noise.
    rng = np.random.default_rng(2)
    groups = np.repeat(np.arange(12), 10)
    level = rng.normal(size=12)
    codes = rng.normal(size=(12, 40))
    train = np.c_[codes[groups], rng.normal(size=(120, 1))]
    target = level[groups]
    by_group = Ridge().predict(train, target, groups, train)
    by_item = Ridge().predict(train, target, np.arange(120), train)
    assert np.var(by_group) < 0.2 * np.var(by_item)


def test_a_constant_column_is_harmless():
    rng = np.random.default_rng(3)
    train = np.c_[rng.normal(size=(30, 2)), np.ones(30)]
    found = Ridge().predict(train, train[:, 0], np.arange(30), train)
    assert Ridge().score(train[:, 0], found) > 0.99


def test_more_columns_than_items_give_the_same_solution():
    rng = np.random.default_rng(4)
    train, test, target = rng.normal(size=(20, 50)), rng.normal(size=(5, 50)), rng.normal(size=20)
    found = solve(train, target, test, PENALTIES)
    for column, alpha in enumerate(PENALTIES):
        expected = closed_form(train, target, test, alpha)
        np.testing.assert_allclose(found[:, column], expected, atol=1e-9)
