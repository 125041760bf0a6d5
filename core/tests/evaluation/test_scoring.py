"""Scores of several encoders, some of which may be undefined."""

import numpy as np
import pytest

from unlabeled.contract import Assessed, Score
from unlabeled.evaluation.assessing import Entry, share
from unlabeled.evaluation.scoring import score_all


def assessed(*distances):
    headline = Score.mean("dice", np.ones(3))
    values = np.array(distances, float)
    found = Score.mean("distance", values, higher_is_better=False, unit="mm")
    return Assessed(np.arange(3), np.array(list("abc")), (headline, found))


def tables(*random):
    entries = [
        Entry("pretrained", "pretrained", (assessed(1, 2, 3),)),
        Entry("random", "random", random),
    ]
    return score_all(entries, share(entries, "toy"), "toy")


def test_an_encoder_without_a_score_does_not_hide_the_others():
    nothing = assessed(np.nan, np.nan, np.nan)
    row = tables(assessed(2, 4, 6), nothing, assessed(4, 6, 8))[1].rows[1]
    assert row.score == pytest.approx(5)
    assert row.sd == pytest.approx(np.sqrt(2))
    assert row.scores == pytest.approx((4, None, 6))
    assert row.shown() == "5.000 ± 1.414 (2 of 3)"
    assert row.interval.low >= 3
    assert tables(nothing, assessed(4, 6, 8))[1].rows[1].shown() == "6.000 (1 of 2)"


def test_a_row_without_any_score_is_undefined():
    nothing = assessed(np.nan, np.nan, np.nan)
    row, comparison = (
        tables(nothing, nothing)[1].rows[1],
        tables(nothing, nothing)[1].comparisons[0],
    )
    assert (row.score, row.interval, row.sd) == (None, None, None)
    assert (comparison.difference, comparison.interval, comparison.outcome) == (None, None, "open")
    assert row.shown() == "undefined"


def test_each_encoder_leaves_out_its_own_undefined_units():
    row = tables(assessed(2, 4, np.nan), assessed(2, 4, 9))[1].rows[1]
    assert row.score == pytest.approx((3 + 5) / 2)
