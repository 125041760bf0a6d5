"""Few labels: how many are used, that all embeddings see the same, and the score by hand."""

import numpy as np
import pytest

from unlabeled.probes.logistic import Logistic
from unlabeled_audio.evaluators.few_labels import FewLabels


def blobs(count=60, classes=3, width=4, seed=0):
    rng = np.random.default_rng(seed)
    target = np.arange(count) % classes
    values = np.eye(classes, width)[target] * 4 + rng.standard_normal((count, width))
    return values, target, np.array([f"s{i % 5}" for i in range(count)])


@pytest.mark.parametrize("per_class", [1, 5, 1000])
def test_uses_so_many_items_of_each_class(monkeypatch, per_class):
    seen = []
    monkeypatch.setattr(
        Logistic, "predict", lambda _, train, target, *rest: seen.append((train, target))
    )
    values, target, groups = blobs()
    for embedding in (values, -values):
        FewLabels(per_class=per_class).predict(embedding, target, groups, embedding)
    assert np.bincount(seen[0][1]).tolist() == [min(per_class, 20)] * 3
    np.testing.assert_array_equal(seen[0][0], -seen[1][0])


def test_another_draw_takes_other_items():
    _, target, _ = blobs()
    first, again, other = (FewLabels(per_class=5, draw=d)._drawn(target) for d in (0, 0, 1))
    assert first.tolist() == again.tolist() != other.tolist()


def test_separable_classes_are_told_apart_by_few():
    values, target, groups = blobs()
    test, truth, _ = blobs(seed=1)
    probe = FewLabels(per_class=10)
    assert probe.score(truth, probe.predict(values, target, groups, test)) > 0.9
