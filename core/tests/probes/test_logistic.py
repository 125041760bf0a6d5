import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from unlabeled.probes.logistic import STRENGTHS, Logistic
from unlabeled.probes.splits import inner_folds


def standardised(train, test):
    return (train - train.mean(0)) / train.std(0), (test - train.mean(0)) / train.std(0)


def fitted(train, target, test, strength):
    a, b = standardised(train, test)
    return LogisticRegression(C=strength, max_iter=2000).fit(a, target).predict_proba(b)


@pytest.mark.parametrize("signal", [0.1, 1.0])
def test_equals_scikit_learn_with_the_strength_of_the_best_inner_score(signal):
    rng = np.random.default_rng(0)
    target, groups = rng.integers(0, 3, 150), rng.integers(0, 9, 150)
    train = rng.normal(size=(150, 6)) * np.arange(1, 7) + signal * target[:, None]
    test = rng.normal(size=(20, 6))

    def score(strength):
        return np.mean(
            [
                np.mean(fitted(train[a], target[a], train[b], strength).argmax(1) == target[b])
                for a, b in inner_folds(groups)
            ]
        )

    best = max(STRENGTHS, key=score)
    found = Logistic().predict(train, target, groups, test)
    np.testing.assert_allclose(found, fitted(train, target, test, best), atol=1e-3)


def test_a_class_missing_from_training_has_its_column_and_no_probability():
    rng = np.random.default_rng(1)
    target = np.array([0, 2] * 20)
    train = rng.normal(size=(40, 3)) + target[:, None]
    found = Logistic().predict(train, target, np.arange(40) % 4, train)
    assert found.shape == (40, 3)
    np.testing.assert_allclose(found.sum(1), 1)
    assert (found[:, 1] == 0).all()
    assert Logistic().score(target, found) > 0.8
    assert Logistic(metric="roc_auc").score(target, found) > 0.8


def test_the_strength_is_chosen_by_the_chosen_metric():
    # Rare class: always saying 0 has the best accuracy, and the worst balanced accuracy.
    rng = np.random.default_rng(4)
    target = (np.arange(300) % 10 == 0).astype(int)
    train = rng.normal(size=(300, 4)) + 1.2 * target[:, None]
    plain = Logistic().predict(train, target, np.arange(300), train)
    balanced = Logistic(metric="balanced_accuracy").predict(train, target, np.arange(300), train)
    metric = Logistic(metric="balanced_accuracy")
    assert metric.score(target, balanced) >= metric.score(target, plain)


def test_for_balanced_accuracy_all_classes_weigh_alike():
    # The score equation of the intercept: what either class loses on average is the same.
    rng = np.random.default_rng(5)
    target = (np.arange(300) % 10 == 0).astype(int)
    train = rng.normal(size=(300, 4)) + 0.8 * target[:, None]
    probe = Logistic(metric="balanced_accuracy")
    found = probe.predict(train, target, np.arange(300), train)
    missed, invented = found[target == 1, 0].mean(), found[target == 0, 1].mean()
    assert abs(missed - invented) < 1e-3
    plain = Logistic().predict(train, target, np.arange(300), train)
    assert probe.score(target, found) > probe.score(target, plain) + 0.05
