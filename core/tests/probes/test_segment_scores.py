"""Against scikit-learn on the resampled segments themselves, and against counts by loops."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score

from unlabeled.probes.segment_scores import SegmentScores

RNG = np.random.default_rng(0)
TRUTH = RNG.random((60, 4)) < [0.1, 0.4, 0.5, 0.02]
SCORES = np.round(0.4 * TRUTH + 0.6 * RNG.random((60, 4)), 1)  # many are equal


@pytest.mark.parametrize("seed", range(4))
def test_resamples_score_as_if_they_were_written_out(seed):
    rng = np.random.default_rng(seed)
    positions = rng.integers(60, size=60) if seed else np.arange(60)
    scores = SegmentScores(TRUTH, SCORES)
    truth, predicted = TRUTH[positions], SCORES[positions]
    each = [
        average_precision_score(truth[:, c], predicted[:, c]) if truth[:, c].any() else np.nan
        for c in range(4)
    ]
    found = [scores.precision(c, positions) for c in range(4)]
    np.testing.assert_allclose(found, each, rtol=1e-12)
    assert scores.mean_precision(positions) == pytest.approx(np.nanmean(each))
    expected = f1_score(truth.ravel(), predicted.ravel() >= 0.5)
    assert scores.f1(positions) == pytest.approx(expected)
    assert scores.mean_precision(rng.permutation(positions)) == scores.mean_precision(positions)


def test_over_no_segment_nothing_is_known():
    scores = SegmentScores(TRUTH, SCORES)
    nothing = np.arange(0)
    assert np.isnan([scores.mean_precision(nothing), scores.f1(nothing)]).all()
    assert np.isnan(scores.precision(0, np.flatnonzero(~TRUTH[:, 0])))
