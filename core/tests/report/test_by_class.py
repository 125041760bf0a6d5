"""Each number equals an independent computation by scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, precision_score, recall_score, roc_auc_score

from unlabeled.report.by_class import by_class, calibration, confusion, cuts
from unlabeled.report.predictions import Target

RNG = np.random.default_rng(0)


def a_target(classes=3, count=300):
    truth = RNG.integers(0, classes, count)
    scores = RNG.dirichlet(np.ones(classes), count)
    scores[np.arange(count), truth] += RNG.uniform(0, 1, count)
    scores /= scores.sum(1, keepdims=True)
    return Target(
        "kind",
        tuple(f"class {n}" for n in range(classes)),
        truth,
        scores,
        np.array([f"item {n}" for n in range(count)]),
        np.array([f"g{n % 10}" for n in range(count)]),
        {"site": np.array(["north", "south", "south"] * (count // 3))},
    )


def test_recall_precision_and_auc_of_each_class():
    target = a_target()
    said = target.scores.argmax(1)
    for each in by_class(target):
        number = target.classes.index(each.name)
        own, chosen = target.truth == number, said == number
        assert each.count == own.sum()
        assert each.recall == pytest.approx(recall_score(own, chosen))
        assert each.precision == pytest.approx(precision_score(own, chosen))
        assert each.auc == pytest.approx(roc_auc_score(own, target.scores[:, number]))
        assert each.interval.low <= each.auc <= each.interval.high


def test_confusion_has_the_truth_in_its_rows():
    target = a_target()
    names, found = confusion(target)
    assert names == list(target.classes)
    assert (found == confusion_matrix(target.truth, target.scores.argmax(1))).all()


def test_of_many_classes_the_rest_stands_together():
    target = a_target(classes=20, count=600)
    names, found = confusion(target)
    assert len(names) == 13
    assert names[-1] == "8 others"
    assert found.sum() == 600


def test_calibration_is_the_gap_of_each_bin():
    target = a_target()
    found = calibration(target)
    sure, right = target.scores.max(1), target.scores.argmax(1) == target.truth
    expected = 0.0
    for low in np.arange(0, 1, 0.1):
        own = (sure >= low - 1e-12) & (sure < low + 0.1 - 1e-12)
        if own.any():
            expected += own.mean() * abs(sure[own].mean() - right[own].mean())
    assert found.error == pytest.approx(expected, abs=0.01)
    votes = Target("k", ("a", "b"), np.array([0, 1]), np.array([[2.0, 1], [0, 3]]), *([None] * 3))
    assert calibration(votes) is None


def test_scores_are_cut_by_group_and_column_the_lowest_first():
    target = a_target()
    found = dict(cuts(target))
    assert set(found) == {"group", "site"}
    right = target.scores.argmax(1) == target.truth
    north = next(each for each in found["site"] if each.value == "north")
    assert north.score == pytest.approx(right[target.cuts["site"] == "north"].mean())
    assert north.groups == 10
    scores = [each.score for each in found["group"]]
    assert scores == sorted(scores)
    assert all(each.interval.low <= each.score <= each.interval.high for each in found["group"])


def test_a_column_that_names_items_cuts_nothing():
    target = a_target()
    alone = {"file": target.items, "all": np.array(["x"] * 300)}
    found = dict(
        cuts(
            Target(
                "k", target.classes, target.truth, target.scores, target.items, target.items, alone
            )
        )
    )
    assert found == {}
