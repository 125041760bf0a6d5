"""What holds for a toy holds for molecules and for sound: exact resume, several processes."""

from __future__ import annotations

import signal
from pathlib import Path

import numpy as np
import pytest
import slices
import torch
from slices import SLICES
from toy_runs import as_torchrun_does, exit_code, final_state, rows, same_state

from unlabeled.training.pretrain import pretrain, resume

EVERY = {"checkpoint": {"every_steps": 2, "keep": 2}}


@pytest.fixture(scope="module", params=sorted(SLICES))
def name(request):
    return request.param


@pytest.fixture(scope="module")
def folder(tmp_path_factory, name):
    return tmp_path_factory.mktemp(name.replace("/", "-"))


@pytest.fixture(scope="module")
def data(folder, name):
    return slices.write_data(name, folder / "data")


@pytest.fixture(scope="module")
def whole(folder, name, data):
    pretrain(slices.small(name, **EVERY), data, folder / "whole", quiet=True)
    return folder / "whole"


@pytest.mark.parametrize("workers", [0, 2])
def test_a_killed_run_ends_as_if_nothing_had_happened(name, whole, data, tmp_path, workers):
    step = int(np.random.default_rng([workers, len(name)]).integers(2, slices.STEPS))
    training = {**EVERY, "workers": workers}
    died = exit_code(slices.train_and_die, name, data, tmp_path / "run", step, training)
    assert died == -signal.SIGKILL
    run = resume(tmp_path / "run", quiet=True)
    assert run.manifest.exact
    assert rows(run.path) == rows(whole)
    assert same_state(run.path, whole)


def test_two_processes_equal_one(name, data, folder):
    """Loss, every other column and every tensor, over ten steps in float64."""
    slices.train_exactly(name, data, folder / "one")
    as_torchrun_does(2, slices.train_exactly, name, data, folder / "two")
    for expected, found in zip(rows(folder / "one"), rows(folder / "two"), strict=True):
        assert found == pytest.approx(expected, abs=1e-9, rel=1e-9)
    expected, found = (final_state(Path(folder, count)) for count in ("one", "two"))
    for key, value in expected.items():
        if not key.startswith("random"):
            torch.testing.assert_close(found[key], value, atol=1e-9, rtol=1e-9)
