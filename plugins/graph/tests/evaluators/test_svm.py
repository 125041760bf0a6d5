import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV
from sklearn.svm import SVC

from unlabeled_graph.evaluators.svm import SVM


@pytest.fixture
def rings():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(120, 2))
    return points, (np.linalg.norm(points, axis=1) > 1).astype(np.int64)


def test_it_finds_what_no_linear_probe_can(rings):
    points, target = rings
    svm = SVM()

    predicted = svm.predict(points[:80], target[:80], np.arange(80), points[80:])

    assert predicted.shape == (40, 2)
    assert svm.score(target[80:], predicted) > 0.85


def test_it_is_the_published_search(rings):
    points, target = rings
    search = GridSearchCV(
        SVC(kernel="rbf"),
        {"C": [1e-3, 1e-2, 1e-1, 1, 10]},
    ).fit(points[:80], target[:80])

    predicted = SVM().predict(points[:80], target[:80], np.arange(80), points[80:])

    assert (predicted.argmax(1) == search.predict(points[80:])).all()


def test_a_class_of_one_item_is_no_obstacle():
    points = np.array([[0.0], [0.1], [0.2], [5.0]])

    predicted = SVM().predict(points, np.array([0, 0, 0, 2]), np.arange(4), np.array([[0.05]]))

    assert predicted.tolist() == [[1, 0, 0]]
