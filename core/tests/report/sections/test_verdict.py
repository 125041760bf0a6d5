import os
import time

import pytest
from reported import a_run, evaluated, judged, read, with_steps

from unlabeled.report.sections.verdict import judge, verdict

HEALTHY = {"health_effective_rank": 7.5, "health_feature_std": 0.5, "health_collapsed": False}


@pytest.fixture
def run(tmp_path):
    folder = a_run(tmp_path / "run")
    with_steps(folder, [{"loss": 2.0}, {"loss": 1.0, **HEALTHY}])
    return folder


@pytest.mark.parametrize(
    ("differences", "tone", "ending"),
    [
        ((0.2, 0.3), "good", "better than random and counts."),
        ((0.2, 0.0), "caution", "better than random, but not better than counts."),
        ((0.2, -0.3), "caution", "better than random, but not better than counts."),
        ((0.05, 0.2), "caution", "not measurably better than random."),
        ((-0.2, 0.2), "bad", "worse than random."),
    ],
)
def test_the_colour_follows_random_encoders_then_what_is_simpler(differences, tone, ending):
    found = judge(judged(("random", "counts"), differences))
    assert found.tone == tone
    assert found.sentence == f"The encoder predicts activity {ending}"
    assert "r2 0.500 (0.400 to 0.600) over 100 items of 40 groups" in found.numbers
    assert f"random {differences[0]:+.3f} (" in found.numbers


def test_few_groups_are_rough():
    assert "4 groups are few" in judge(judged(groups=4)).advice
    assert judge(judged(groups=40)).advice == ""


def test_collapse_is_red_whatever_an_evaluation_says(run):
    with_steps(run, [{"loss": 0.1, **HEALTHY, "health_collapsed": True, "health_centred_rank": 1}])
    evaluated(run, judged())
    found = verdict(read(run))
    assert found.tone == "bad"
    assert "have collapsed" in found.sentence
    assert "learning rate" in found.advice


def test_a_run_that_failed_says_why(run):
    run.update(status="stopped", failed="step 3: the loss is not finite")
    found = verdict(read(run))
    assert (found.tone, found.word) == ("bad", "Problem")
    assert "step 3: the loss is not finite" in found.sentence


def test_an_evaluation_of_an_unfinished_run_says_so(run):
    run.update(status="stopped")
    evaluated(run, judged())
    found = verdict(read(run))
    assert found.tone == "good"
    assert found.sentence.startswith("Not finished (step 2 of 50). The encoder predicts activity")


def test_without_an_evaluation_it_says_what_to_do_next(run):
    found = verdict(read(run))
    assert (found.tone, found.word) == ("open", "Not judged yet")
    assert found.sentence.startswith("Training: step 2 of 50, and the embeddings still differ")
    run.update(status="finished")
    found = verdict(read(run))
    assert "Trained to the end" in found.sentence
    assert found.commands == ("unlabeled evaluate RUN DATA --labels labels.csv",)
    run.update(status="stopped")
    assert verdict(read(run)).commands == ("unlabeled pretrain --resume RUN",)


def test_a_killed_run_does_not_call_itself_training(run):
    before = time.time() - 7200
    os.utime(run.metrics, (before, before))
    found = verdict(read(run))
    assert found.tone == "caution"
    assert "ended at step 2 of 50, with nothing new for 120 minutes" in found.sentence
