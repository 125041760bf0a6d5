"""The training section refuses what it cannot mean."""

import pytest
from pydantic import ValidationError

from unlabeled.training.settings import (
    AdamWSettings,
    CosineSettings,
    InfiniteSettings,
    LARSSettings,
    TrainingSettings,
)


@pytest.mark.parametrize("length", [{}, {"epochs": 1, "steps": 1}])
def test_exactly_one_length(length):
    with pytest.raises(ValidationError, match="exactly one of epochs and steps"):
        TrainingSettings(**length)


def test_the_name_tells_optimisers_apart_and_has_a_default():
    settings = TrainingSettings(epochs=1, optimiser={"lr": 0.5}, schedule={"warm_up": 0.2})
    assert settings.optimiser == AdamWSettings(lr=0.5)
    assert settings.schedule == CosineSettings(warm_up=0.2)
    lars = TrainingSettings(epochs=1, optimiser={"name": "lars", "trust": 0.002})
    assert lars.optimiser == LARSSettings(name="lars", trust=0.002)


@pytest.mark.parametrize(
    "wrong",
    [
        {"optimiser": {"name": "adagrad"}},
        {"optimiser": {"name": "adamw", "momentum": 0.9}},
        {"optimiser": {"name": "sgd", "betas": [0.9, 0.99]}},
        {"schedule": {"name": "cosine", "anneal": 0.1}},
        {"schedule": {"name": "infinite", "constant": 0.1, "final": 0.2}},
        {"precision": "8"},
        {"batch_size": 0},
        {"max_skipped": 1.5},
        {"checkpoint": {"keep": 0}},
        {"clip": float("nan")},
        {"batches": {"by": "group", "form": "apart"}, "batching": "by_size"},
        {"batches": {"by": "group", "form": "apart", "shares": {"a": 1}}},
        {"batches": {"by": "group", "form": "shares", "shares": {"a": -1}}},
    ],
)
def test_what_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValidationError):
        TrainingSettings(epochs=1, **wrong)


@pytest.mark.parametrize("precision", [32, "32", 64, "bf16-mixed"])
def test_yaml_may_write_the_precision_as_a_number(precision):
    assert TrainingSettings(epochs=1, precision=precision).precision == str(precision)


def test_what_is_written_is_what_was_read():
    settings = TrainingSettings(
        steps=5, optimiser={"name": "sgd"}, schedule={"name": "infinite"}, clip=1.0
    )
    assert TrainingSettings(**settings.model_dump(mode="json")) == settings
    assert isinstance(settings.schedule, InfiniteSettings)
