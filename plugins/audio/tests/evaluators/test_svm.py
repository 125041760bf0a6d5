"""The SVM separates what no line does, and chooses C on training groups alone."""

import numpy as np

from unlabeled_audio.evaluators import svm
from unlabeled_audio.evaluators.svm import SVM


def rings(count, seed):
    rng = np.random.default_rng(seed)
    target = np.arange(count) % 2
    angle = rng.uniform(0, 2 * np.pi, count)
    radius = 1 + 2 * target + 0.2 * rng.standard_normal(count)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1), target


def test_tells_rings_apart():
    train, target = rings(120, 0)
    test, truth = rings(80, 1)
    predicted = SVM().predict(train, target, np.arange(120) % 6, test)
    assert predicted.shape == (80, 2)
    assert SVM().score(truth, predicted) > 0.95


def test_the_strength_is_chosen_without_the_test_items(monkeypatch):
    train, target = rings(60, 0)
    test, _ = rings(30, 1)
    groups = np.arange(60) % 5
    fits, original = [], svm._fit

    def spy(a, y, b, c, classes):
        fits.append((len(a), len(b), c))
        return original(a, y, b, c, classes)

    monkeypatch.setattr(svm, "_fit", spy)
    SVM().predict(train, target, groups, test)
    *inner, last = fits
    assert {c for _, _, c in inner} == set(svm.STRENGTHS)
    assert all(fitted + held == 60 for fitted, held, _ in inner)
    assert last[:2] == (60, 30)


def test_a_class_without_training_items_keeps_its_column():
    train, target = rings(40, 0)
    predicted = SVM().predict(train, target * 2, np.arange(40) % 4, train)
    assert predicted.shape == (40, 3)
    assert (predicted[:, 1] == 0).all()
