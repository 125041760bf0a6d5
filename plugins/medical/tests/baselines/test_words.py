import numpy as np
import pytest

from unlabeled_medical.baselines.words import WordCounts


def test_shares_of_words_in_any_order():
    counts = WordCounts()
    one, other = counts(("no fluid, no air",)), counts(("air no", "fluid , no"))
    assert (one == other).all()
    assert one.shape == (512,)
    assert one.sum() == pytest.approx(1)
    assert np.sort(one)[-1] == pytest.approx(0.4)


def test_no_words_are_zeros():
    assert (WordCounts(columns=8)(("",)) == 0).all()
