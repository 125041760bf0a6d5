import numpy as np
import pytest

from unlabeled.evaluation.bootstrap import interval, resample_scores, rough


def mean_of(values):
    return lambda positions: float(values[positions].mean())


def simulated(rng, groups=60, size=3):
    """Values that vary between groups as much as within: their mean is 0."""
    labels = np.repeat(np.arange(groups), size)
    return labels, rng.normal(size=groups)[labels] + rng.normal(size=groups * size)


def coverage(grouped, simulations):
    rng = np.random.default_rng(1)
    hits = 0
    for seed in range(simulations):
        labels, values = simulated(rng)
        names = labels if grouped else np.arange(len(labels))
        found = resample_scores(names, [mean_of(values)], seed=seed, resamples=300)
        hits += (bounds := interval(found[:, 0])).low <= 0 <= bounds.high
    return hits / simulations


def test_the_interval_covers_the_truth_as_often_as_it_says():
    assert 0.89 <= coverage(grouped=True, simulations=120) <= 0.99


def test_resampling_items_as_if_independent_would_cover_too_rarely():
    assert coverage(grouped=False, simulations=60) < 0.88


def test_scores_see_the_same_resamples():
    labels, values = simulated(np.random.default_rng(1))
    found = resample_scores(labels, [mean_of(values), mean_of(values + 0.25)], resamples=50)
    np.testing.assert_allclose(found[:, 1] - found[:, 0], 0.25)
    assert found[:, 0].std() > 0.05


def test_a_group_is_drawn_as_a_whole():
    labels = np.array(["b", "a", "b", "c", "a", "b"])
    seen = []
    resample_scores(labels, [lambda rows: seen.append(rows) or 0.0], resamples=40)
    for rows in seen:
        counts = np.bincount(rows, minlength=6)
        for name in "abc":
            assert len(set(counts[labels == name])) == 1
        times = [counts[labels == name][0] for name in "abc"]
        assert sum(times) == 3
    assert any(len(set(np.bincount(rows, minlength=6))) > 1 for rows in seen)


def test_the_same_seed_gives_the_same_resamples():
    labels, values = simulated(np.random.default_rng(2))
    first, again, other = (
        resample_scores(labels, [mean_of(values)], seed=seed, resamples=20) for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_undefined_scores_are_left_out_of_the_interval():
    values = np.r_[np.linspace(0, 1, 1001), [np.nan] * 50]
    bounds = interval(values)
    assert (bounds.low, bounds.high) == (pytest.approx(0.025), pytest.approx(0.975))


def test_few_groups_are_said_to_make_rough_intervals():
    assert rough(9) == ["Intervals from 9 groups are rough, and rather too narrow."]
    assert rough(10) == []
