"""Against the formulas, written with loops over sorted lists."""

import numpy as np
import pytest

from unlabeled.probes import retrieval
from unlabeled.probes.retrieval import classes_in_common, rank


def by_hand(queries, gallery, right, hidden):
    """First rank and average precision of each query, in float64."""
    first, precision = [], []
    for q, query in enumerate(queries.astype(np.float64)):
        cosine = [
            query @ other / np.linalg.norm(query) / np.linalg.norm(other)
            for other in gallery.astype(np.float64)
        ]
        seen = [
            g for g in sorted(range(len(gallery)), key=lambda g: -cosine[g]) if not hidden[q, g]
        ]
        ranks = [place for place, g in enumerate(seen, 1) if right[q, g]]
        first.append(ranks[0] if ranks else np.nan)
        found = [number / place for number, place in enumerate(ranks, 1)]
        precision.append(np.mean(found) if found else np.nan)
    return np.array(first), np.array(precision)


@pytest.mark.parametrize("block", [1, 70, 2**21])
def test_ranks_are_those_of_the_formula(monkeypatch, block):
    monkeypatch.setattr(retrieval, "LARGEST_BLOCK", block)
    rng = np.random.default_rng(0)
    queries, gallery = rng.normal(size=(23, 5)), rng.normal(size=(31, 5))
    right, hidden = rng.random((23, 31)) < 0.15, rng.random((23, 31)) < 0.2
    right[4] = False
    found = rank(queries, gallery, lambda q: right[q], lambda q: hidden[q], rng)
    first, precision = by_hand(queries, gallery, right, hidden)
    np.testing.assert_array_equal(found.first, first)
    np.testing.assert_allclose(found.precision, precision, rtol=1e-12)
    assert np.isnan(found.precision[4])
    expected = np.where(np.isnan(first), np.nan, first <= 3)
    np.testing.assert_array_equal(found.recall(3), expected)


def test_a_collapsed_embedding_finds_no_more_than_chance():
    """The data lie sorted by class: an order of theirs among equals would look like a win."""
    kinds = np.repeat(np.arange(4), 50)
    same = kinds[:, None] == kinds
    own = np.eye(200, dtype=bool)
    rng = np.random.default_rng(1)
    found = rank(np.ones((200, 3)), np.ones((200, 3)), lambda q: same[q], lambda q: own[q], rng)
    assert found.recall(1).mean() == pytest.approx(49 / 199, abs=0.1)


def test_rows_share_a_label_or_not():
    labels = [frozenset("ab"), frozenset("b"), frozenset("c"), frozenset("ca")]
    shared = classes_in_common(labels)(np.array([0, 2]))
    assert shared.tolist() == [[True, True, False, True], [False, False, True, True]]
