import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics

from unlabeled.probes import metrics


@st.composite
def predictions(draw):
    """(target, scores) of 2 to 4 classes, with ties among the scores."""
    count, classes = draw(st.integers(4, 30)), draw(st.integers(2, 4))
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    target = np.r_[np.arange(classes), rng.integers(0, classes, count)]
    scores = rng.integers(1, 6, (len(target), classes)).astype(float)
    return target, scores / scores.sum(1, keepdims=True)


@given(predictions())
def test_classification_metrics_equal_scikit_learn(case):
    target, scores = case
    guess = scores.argmax(1)
    assert metrics.accuracy(target, scores) == pytest.approx(
        sklearn_metrics.accuracy_score(target, guess), abs=1e-12
    )
    assert metrics.balanced_accuracy(target, scores) == pytest.approx(
        sklearn_metrics.balanced_accuracy_score(target, guess), abs=1e-12
    )
    binary = scores.shape[1] == 2
    expected = sklearn_metrics.roc_auc_score(
        target, scores[:, 1] if binary else scores, multi_class="ovr", average="macro"
    )
    assert metrics.roc_auc(target, scores) == pytest.approx(expected, abs=1e-12)


def test_auc_averages_over_the_classes_that_occur():
    scores = np.array([[0.9, 0.1, 0.0], [0.4, 0.6, 0.0], [0.8, 0.2, 0.0]])
    assert metrics.roc_auc(np.array([0, 1, 0]), scores) == 1.0
    assert np.isnan(metrics.roc_auc(np.array([0, 0, 0]), scores))


def test_r2_equals_the_formula():
    target, predicted = np.array([1.0, 2.0, 6.0]), np.array([1.5, 2.0, 4.0])
    assert metrics.r2(target, predicted) == pytest.approx(1 - (0.25 + 4) / (4 + 1 + 9), abs=1e-12)
    assert metrics.r2(target, np.full(3, 3.0)) == 0.0
    assert np.isnan(metrics.r2(np.ones(3), predicted))


def test_average_precision_is_that_of_the_second_class_or_the_mean_over_classes():
    target, share = np.array([0, 1, 0, 1]), np.array([0.1, 0.4, 0.35, 0.8])
    assert metrics.average_precision(target, np.stack([1 - share, share], 1)) == 1.0
    # Ranked: yes, no, yes: precision 1 at a recall of 1/2, then 2/3.
    swapped = np.array([1, 0, 0, 1]), np.array([0.4, 0.1, 0.6, 0.8])
    found = metrics.average_precision(swapped[0], np.stack([1 - swapped[1], swapped[1]], 1))
    assert found == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    scores = np.array([[0.8, 0.1, 0.1], [0.2, 0.5, 0.3], [0.1, 0.2, 0.7]])
    assert metrics.average_precision(np.array([0, 1, 2]), scores) == 1.0
    assert np.isnan(metrics.average_precision(np.zeros(3, int), scores))


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**32 - 1), st.integers(2, 60), st.integers(1, 9))
def test_average_precision_is_that_of_scikit_learn_also_for_equal_scores(seed, count, steps):
    rng = np.random.default_rng(seed)
    target, score = rng.integers(0, 2, count), rng.integers(0, steps, count) / steps
    target[0], target[-1] = 0, 1
    found = metrics.average_precision(target, np.stack([1 - score, score], 1))
    assert found == pytest.approx(sklearn_metrics.average_precision_score(target, score), abs=1e-12)
