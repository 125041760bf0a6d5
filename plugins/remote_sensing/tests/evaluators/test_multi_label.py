import numpy as np
import pytest

from unlabeled.errors import DataError
from unlabeled_remote_sensing.evaluators.multi_label import MultiLabel


def test_average_precision_is_the_mean_precision_at_each_positive():
    target = np.array([1, 0, 1, 0, 0, 1])
    certainty = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4])
    expected = (1 / 1 + 2 / 3 + 3 / 6) / 3
    found = MultiLabel().score(target, np.stack([1 - certainty, certainty], axis=1))
    assert found == pytest.approx(expected)


def test_a_label_that_the_embedding_tells_is_found():
    rng = np.random.default_rng(0)
    x, weights = rng.normal(size=(300, 8)), rng.normal(size=8)
    label = (x @ weights > 1).astype(int)
    probe = MultiLabel()
    found = probe.predict(x[:200], label[:200], np.arange(200), x[200:])
    assert probe.score(label[200:], found) > 0.95


def test_a_label_that_nobody_carries_has_no_score():
    assert np.isnan(MultiLabel().score(np.zeros(3, int), np.full((3, 2), 0.5)))


def test_classes_are_refused():
    with pytest.raises(DataError, match="two values for each label, found 3"):
        MultiLabel().score(np.array([0, 1, 2]), np.eye(3))
