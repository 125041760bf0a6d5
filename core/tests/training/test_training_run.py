"""A run is four phases in one order, and what it draws does not depend on what else is read."""

from copy import deepcopy

import numpy as np
import pytest
import torch
import toy_runs

from unlabeled.training import training_run
from unlabeled.training.pretrain import pretrain, resume
from unlabeled.training.signals import Stopped
from unlabeled.training.training_run import TrainingRun

PHASES = ("build", "load", "fit", "finish")


@pytest.fixture
def data(vectors, tmp_path):
    return toy_runs.write_data(tmp_path / "data")


@pytest.fixture
def phases(monkeypatch):
    """The phases of runs in the order in which they were entered."""
    entered = []

    def noted(name):
        phase = getattr(TrainingRun, name)

        def enter(self, *args):
            entered.append(name)
            return phase(self, *args)

        return enter

    for name in PHASES:
        monkeypatch.setattr(TrainingRun, name, noted(name))
    return entered


def stop_at(step, monkeypatch):
    from unlabeled_vectors.method import Memory

    monkeypatch.setattr(Memory, "forward", toy_runs.at_call(step, toy_runs.send(15), Memory))


def test_a_run_is_build_load_fit_finish(data, tmp_path, phases):
    pretrain(toy_runs.recipe(steps=2), data, tmp_path / "run", quiet=True)
    assert tuple(phases) == PHASES


def test_a_stopped_run_writes_no_encoder_and_goes_through_all_phases_again(
    data, tmp_path, phases, monkeypatch
):
    with monkeypatch.context() as patch:
        stop_at(2, patch)
        with pytest.raises(Stopped, match="Stopped after step 2 of 4, and saved"):
            pretrain(toy_runs.recipe(steps=4), data, tmp_path / "run", quiet=True)
    assert not (tmp_path / "run" / "encoder").exists()
    resume(tmp_path / "run", quiet=True)
    assert tuple(phases) == 2 * PHASES
    assert (tmp_path / "run" / "encoder").is_dir()


def test_loading_gives_the_weights_moments_and_generators_of_the_checkpoint(
    data, tmp_path, monkeypatch
):
    runs, states = [], []
    load = TrainingRun.load

    def noted(self, trainer):
        load(self, trainer)
        runs.append({name: value.clone() for name, value in trainer.pretext.state_dict().items()})
        moments = deepcopy(trainer.optimiser.optimizer.state_dict()["state"])
        states.append((torch.get_rng_state(), moments))

    monkeypatch.setattr(TrainingRun, "load", noted)
    with monkeypatch.context() as patch:
        stop_at(2, patch)
        with pytest.raises(Stopped):
            pretrain(toy_runs.recipe(steps=4), data, tmp_path / "run", quiet=True)
    saved = toy_runs.final_state(tmp_path / "run")
    resume(tmp_path / "run", quiet=True)
    assert all(torch.equal(value, saved[name]) for name, value in runs[1].items())
    assert not all(torch.equal(value, saved[name]) for name, value in runs[0].items())
    generator, moments = states[1]
    assert torch.equal(generator, saved["random.0.torch"])
    assert not states[0][1]
    assert torch.equal(moments[0]["exp_avg"], saved["optimiser.state.0.exp_avg"])


def test_a_reader_that_draws_global_numbers_does_not_move_those_of_a_resumed_run(
    data, tmp_path, monkeypatch
):
    from unlabeled_vectors.parts import JsonReader

    read = JsonReader.read

    def careless(self, item, rng=None):
        np.random.random()
        torch.rand(1)
        return read(self, item, rng)

    monkeypatch.setattr(JsonReader, "read", careless)
    recipe = toy_runs.recipe(steps=4, checkpoint={"every_steps": 1})
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    pretrain(recipe, data, whole, quiet=True)
    with monkeypatch.context() as patch:
        stop_at(2, patch)
        with pytest.raises(Stopped):
            pretrain(recipe, data, parts, quiet=True)
    resume(parts, quiet=True)
    assert toy_runs.same_state(whole, parts)


def test_a_restoration_has_no_collapse_monitor(data, tmp_path, monkeypatch):
    from unlabeled_vectors.method import Memory

    made = []
    monitor = training_run.TrainingMonitor

    def noted(*args, **settings):
        made.append(settings["collapse"])
        return monitor(*args, **settings)

    monkeypatch.setattr(training_run, "TrainingMonitor", noted)
    pretrain(toy_runs.recipe(steps=1), data, tmp_path / "run", quiet=True)
    monkeypatch.setattr(Memory, "kind", "restoration")
    pretrain(toy_runs.recipe(steps=1), data, tmp_path / "other", quiet=True)
    pretrain(toy_runs.recipe(steps=1, health_every=0), data, tmp_path / "none", quiet=True)
    assert [each is None for each in made] == [False, True, True]
