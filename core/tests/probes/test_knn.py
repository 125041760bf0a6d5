import math

import numpy as np
import pytest

from unlabeled.probes import knn
from unlabeled.probes.knn import KNN


def cosine(a, b):
    dot = sum(x * y for x, y in zip(a, b, strict=True))
    return dot / math.sqrt(sum(x * x for x in a) * sum(x * x for x in b))


def naive_votes(train, target, test, k, temperature):
    """The formula, item by item in Python floats."""
    rows = []
    for query in test.tolist():
        near = sorted(
            (
                (cosine(query, row), label)
                for row, label in zip(train.tolist(), target, strict=True)
            ),
            reverse=True,
        )[:k]
        votes = [0.0] * (max(target) + 1)
        for similarity, label in near:
            votes[label] += math.exp(similarity / temperature)
        rows.append([vote / sum(votes) for vote in votes])
    return np.array(rows)


@pytest.fixture
def case():
    rng = np.random.default_rng(0)
    train, test = rng.normal(size=(57, 5)), rng.normal(size=(23, 5)) * 3
    return train.astype(np.float32), rng.integers(0, 4, 57), test.astype(np.float32)


@pytest.mark.parametrize(("k", "temperature"), [(1, 0.07), (20, 0.07), (20, 0.5), (500, 0.2)])
def test_equals_the_naive_loop(case, k, temperature):
    train, target, test = case
    found = KNN(k=k, temperature=temperature).predict(train, target, target, test)
    expected = naive_votes(train, target.tolist(), test, k, temperature)
    np.testing.assert_allclose(found, expected, atol=2e-5)


def test_blocks_change_nothing(case, monkeypatch):
    train, target, test = case
    whole = KNN().predict(train, target, target, test)
    monkeypatch.setattr(knn, "LARGEST_BLOCK", 3 * len(train))
    np.testing.assert_allclose(KNN().predict(train, target, target, test), whole, atol=1e-6)


def test_the_length_of_an_embedding_does_not_matter(case):
    train, target, test = case
    found = KNN().predict(train * 7, target, target, test / 100)
    np.testing.assert_allclose(found, KNN().predict(train, target, target, test), atol=1e-5)


def test_scores_by_the_chosen_metric():
    target, votes = np.array([0, 0, 0, 1]), np.array([[1.0, 0.0]] * 4)
    assert KNN().score(target, votes) == 0.75
    assert KNN(metric="balanced_accuracy").score(target, votes) == 0.5
