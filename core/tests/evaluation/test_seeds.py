"""Runs whose scores may be averaged: another seed, and nothing else."""

import pytest
import toy_runs

from unlabeled.errors import UsageError
from unlabeled.evaluation.seeds import require_seeds_of_one_recipe
from unlabeled.export.encoder import read_config
from unlabeled.training.pretrain import pretrain


@pytest.fixture
def run(vectors, tmp_path):
    data = toy_runs.write_data(tmp_path / "data")

    def trained(name, data=data, **training):
        recipe = toy_runs.recipe(**{"steps": 2, **training})
        return pretrain(recipe, data, tmp_path / name, quiet=True).path

    return trained


def require(*runs):
    require_seeds_of_one_recipe(runs, read_config(runs[0]))


def test_another_seed_is_averaged(run):
    require(run("a"), run("b", seed=1), run("c", seed=2, checkpoint={"every_minutes": 1}))


def test_other_training_is_named(run):
    first = run("a")
    for changed, message in (
        ({"optimiser": {"lr": 0.02}}, "training.optimiser.lr is 0.02 there, 0.01 here"),
        ({"batch_size": 8}, "training.batch_size is 8 there, 7 here"),
        ({"steps": 3}, "steps: 3 there, 2 here"),
    ):
        with pytest.raises(UsageError, match=message):
            require(first, run(message[:12], seed=1, **changed))


def test_other_data_are_named(run, tmp_path):
    more = toy_runs.write_data(tmp_path / "more", count=31)
    with pytest.raises(UsageError, match="items: 31 there, 30 here"):
        require(run("a"), run("b", data=more, seed=1))


def test_the_same_seed_says_nothing_new(run):
    with pytest.raises(UsageError, match=r"has the seed of .*a, 0; expected another"):
        require(run("a"), run("b"))
