import numpy as np
import pytest

from unlabeled.data.targets import Target
from unlabeled.errors import DataError
from unlabeled.evaluation.probing import impute, predict
from unlabeled.probes.splits import Split


class Recorder:
    """A probe that returns the mean of its training targets and keeps what it was given."""

    task = "regression"
    metric = "r2"

    def __init__(self):
        self.seen = []

    def predict(self, train, target, groups, test):
        self.seen.append((train.copy(), target, groups, test.copy()))
        return np.full(len(test), target.mean())

    def score(self, target, predicted):
        return -float(np.abs(target - predicted).mean())


def test_an_item_is_predicted_by_the_probe_that_did_not_see_it():
    target = Target("y", np.arange(6.0), np.array([True, True, True, True, False, True]))
    splits = [
        Split(np.array([2, 3, 4, 5]), np.array([0, 1])),
        Split(np.array([0, 1]), np.array([2, 3, 4])),
    ]
    probe, embedding = Recorder(), np.arange(12.0).reshape(6, 2)
    found = predict(probe, embedding, target, np.array(list("abcdef")), splits)

    assert found.tested.tolist() == [True, True, True, True, False, False]
    assert found.predicted[:4].tolist() == [10 / 3, 10 / 3, 0.5, 0.5]
    train, values, groups, test = probe.seen[0]
    assert (values.tolist(), groups.tolist()) == ([2, 3, 5], ["c", "d", "f"])
    np.testing.assert_array_equal(train, embedding[[2, 3, 5]])
    np.testing.assert_array_equal(test, embedding[[0, 1]])
    # Untested items count nothing, and one that stands twice counts twice.
    assert found.score(probe, np.array([2, 4, 5, 3, 3])) == pytest.approx(-(1.5 + 2.5 + 2.5) / 3)
    assert np.isnan(found.score(probe, np.array([4, 5])))


def test_undefined_features_take_the_mean_of_the_training_items_only():
    train = np.array([[1.0, np.nan], [3.0, np.nan], [np.inf, np.nan]])
    known, unseen = impute(train, np.array([[np.nan, 7.0], [50.0, np.nan]]))
    np.testing.assert_array_equal(known, [[1, 0], [3, 0], [2, 0]])
    np.testing.assert_array_equal(unseen, [[2, 7], [50, 0]])


def test_classes_that_training_lacks_get_columns_below_all_others():
    class Votes(Recorder):
        def predict(self, train, target, groups, test):
            return np.tile([-0.5, 2.0], (len(test), 1))

    target = Target("y", np.array([0, 1, 2]), np.ones(3, bool), ("a", "b", "c"))
    split = Split(np.array([0, 1]), np.array([2]))
    found = predict(Votes(), np.zeros((3, 1)), target, np.arange(3), [split])
    assert found.predicted[2].tolist() == [-0.5, 2.0, -0.5]


def test_too_little_to_train_on_is_said():
    target = Target("y", np.array([0, 0, 1]), np.ones(3, bool), ("a", "b"))
    split = Split(np.array([0, 1]), np.array([2]))
    with pytest.raises(DataError, match="'y': a split trains on 2 items of fewer than two classes"):
        predict(Recorder(), np.zeros((3, 1)), target, np.arange(3), [split])
