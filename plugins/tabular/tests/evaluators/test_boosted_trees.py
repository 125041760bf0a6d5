import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from unlabeled_tabular.evaluators.boosted_trees import BoostedTrees, BoostedTreesRegression

RNG = np.random.default_rng(0)
X, TEST = RNG.normal(size=(120, 3)), RNG.normal(size=(30, 3))


def test_classes_are_those_of_scikit_learn():
    y = 2 * (X[:, 0] * X[:, 1] > 0)  # class 1 has no rows
    found = BoostedTrees(iterations=20).predict(X, y, y, TEST)
    model = HistGradientBoostingClassifier(max_iter=20, random_state=0, early_stopping=False)
    expected = model.fit(X, y).predict_proba(TEST)
    np.testing.assert_allclose(found[:, [0, 2]], expected)
    assert (found[:, 1] == 0).all()
    assert BoostedTrees().score(np.array([0, 2]), np.eye(3)[[0, 1]]) == 0.5


def test_one_class_alone_is_predicted():
    found = BoostedTrees().predict(X, np.full(120, 2), np.zeros(120), TEST)
    assert (found.argmax(1) == 2).all()


def test_values_are_those_of_scikit_learn():
    y = X[:, 0] * X[:, 1]
    found = BoostedTreesRegression(iterations=20).predict(X, y, y, TEST)
    model = HistGradientBoostingRegressor(max_iter=20, random_state=0, early_stopping=False)
    np.testing.assert_allclose(found, model.fit(X, y).predict(TEST))
    assert BoostedTreesRegression().score(y, y) == pytest.approx(1)
