from itertools import permutations

import numpy as np
import pytest

from unlabeled.probes.k_means import KMeans

CENTRES = np.array([[0.0, 0, 0], [9, 0, 0], [0, 9, 0], [0, 0, 9]])


def data(seed, count=200, spread=0.5):
    rng = np.random.default_rng(seed)
    target = rng.integers(0, 4, count)
    return CENTRES[target] + spread * rng.normal(size=(count, 3)), target


def test_clusters_that_are_the_classes_are_named_right():
    (train, target), (test, truth) = data(0), data(1)
    probe = KMeans()
    found = probe.predict(train, target, target, test)
    assert found.shape == (200, 4)
    assert probe.score(truth, found) == 1


def test_no_other_naming_is_right_more_often():
    train, target = data(0, spread=6.0)
    found = KMeans().predict(train, target, target, train).argmax(1)
    own = (found == target).mean()
    others = [(np.array(order)[found] == target).mean() for order in permutations(range(4))]
    assert own == max(others)


def test_labels_do_not_move_the_clusters():
    train, target = data(0)
    test, _ = data(1)
    one = KMeans().predict(train, target, target, test).argmax(1)
    renamed = np.array([2, 3, 0, 1])
    other = KMeans().predict(train, renamed[target], target, test).argmax(1)
    np.testing.assert_array_equal(renamed[one], other)


def test_fewer_items_than_classes_is_no_error():
    train, target = np.eye(3)[:2], np.array([0, 3])
    assert KMeans().predict(train, target, target, train).argmax(1).tolist() == [0, 3]


@pytest.mark.parametrize("metric", ["accuracy", "balanced_accuracy", "nmi"])
def test_metrics(metric):
    (train, target), (test, truth) = data(0), data(1)
    probe = KMeans(metric=metric)
    assert probe.metric == metric
    assert probe.score(truth, probe.predict(train, target, target, test)) == 1


def test_mutual_information_does_not_ask_for_names():
    (train, target), (test, truth) = data(0), data(1)
    probe = KMeans(metric="nmi")
    found = probe.predict(train, target, target, test)
    assert probe.score(truth, found[:, [1, 2, 3, 0]]) == pytest.approx(1)
    assert probe.score(np.random.default_rng(0).permutation(truth), found) < 0.3
