"""Runs compared in pairs: the truth found, intervals that hold at once, seeds averaged."""

import numpy as np
import pytest
import torch

from unlabeled.errors import UsageError
from unlabeled.evaluation.bootstrap import LEVEL
from unlabeled.evaluation.compare_runs import compare_runs, pairs
from unlabeled.evaluation.evaluate import evaluate
from unlabeled.evaluation.settings import EvaluationSettings

SETTINGS = EvaluationSettings(random_encoders=1, probe={"name": "ridge"})


@pytest.fixture
def data(vectors, tmp_path):
    from unlabeled_vectors.parts import write

    write(tmp_path / "data", count=120, seed=0)
    return tmp_path / "data"


@pytest.fixture
def runs(vectors, save_mixer):
    """Two seeds of one recipe, and another recipe: a wider encoder."""
    from unlabeled_vectors.parts import Mixer, MixerSettings

    def made(name, width, seed):
        torch.manual_seed(seed)
        encoder = Mixer(MixerSettings(width=width)).eval()
        return save_mixer(encoder, name, seed=seed, steps=1)

    return made("one", 4, 0), made("two", 4, 1), made("wide", 32, 0)


def test_runs_of_one_recipe_are_one_candidate_whose_score_is_their_mean(runs, data):
    found = compare_runs(runs, data, data / "labels.csv", target=["strength"], settings=SETTINGS)
    assert len(found.candidates) == 2
    by_runs = {len(each.runs): each for each in found.candidates}
    alone = [
        evaluate(run, data, data / "labels.csv", target=["strength"], settings=SETTINGS).rows[0]
        for run in runs
    ]
    assert by_runs[2].scores == pytest.approx([alone[0].score, alone[1].score])
    assert by_runs[2].score == pytest.approx(np.mean([alone[0].score, alone[1].score]))
    assert by_runs[1].score == alone[2].score
    [pair] = found.pairs
    assert pair.first == found.candidates[0].name
    assert pair.difference == pytest.approx(found.candidates[0].score - found.candidates[1].score)
    assert pair.difference >= 0


def test_one_recipe_alone_is_refused_with_the_command_for_it(runs, data):
    with pytest.raises(UsageError, match="--average-with"):
        compare_runs(runs[:2], data, data / "labels.csv", target=["strength"], settings=SETTINGS)
    with pytest.raises(UsageError, match="found one twice"):
        compare_runs([runs[0], runs[0]], data, settings=SETTINGS)


def test_intervals_hold_for_all_pairs_at_once():
    """Six equal candidates, 15 pairs: any interval that misses 0 is an error of the whole."""
    wrong, trials = 0, 200
    for trial in range(trials):
        rng = np.random.default_rng(trial)
        values = rng.normal(size=(80, 6))
        draws = np.stack([values[rng.integers(0, 80, 80)].mean(0) for _ in range(200)])
        scores = values.mean(0)
        order = np.argsort(-scores)
        names = [str(n) for n in order]
        found = pairs(names, scores[order], draws[:, order])
        assert len(found) == 15
        wrong += any(each.outcome == "win" for each in found)
    # The binomial's 99.9 % quantile for 200 at .05 is 21; uncorrected pairs err in about half.
    assert wrong <= 21


def test_a_clear_difference_is_a_win_and_p_agrees_with_the_interval():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(80, 3)) + np.array([1.0, 0.0, -0.05])
    draws = np.stack([values[rng.integers(0, 80, 80)].mean(0) for _ in range(1000)])
    found = pairs(["a", "b", "c"], values.mean(0), draws)
    assert [each.outcome for each in found] == ["win", "win", "open"]
    for each in found:
        assert (each.p < 1 - LEVEL) == (each.outcome == "win")
        assert each.interval.low < each.difference < each.interval.high


def test_equal_predictions_differ_by_nothing():
    draws = np.repeat(np.random.default_rng(0).normal(size=(50, 1)), 2, axis=1)
    [pair] = pairs(["a", "b"], np.zeros(2), draws)
    assert (pair.difference, pair.outcome, pair.p) == (0, "open", 1.0)
