"""A checkpoint is there as a whole, or not at all, and everything in it comes back."""

import os
import random
import resource
import signal

import numpy as np
import pytest
import torch
import toy_runs
from torch import nn

from unlabeled.errors import RunError
from unlabeled.training.checkpoint import (
    Progress,
    newest,
    pinned,
    random_state,
    read_model,
    read_progress,
    read_state,
    restore_random_state,
    save,
    step_of,
)


def save_at(folder, step, keep=2, **progress):
    save(folder, nn.Linear(2, 2), {"step": step}, Progress(step, 1.5, **progress), keep=keep)


def steps(folder):
    return sorted(step_of(path) for path in folder.glob("step-*"))


def test_the_newest_stay_and_the_pinned_one(tmp_path):
    for step in (1, 2, 3, 4, 5):
        save_at(tmp_path, step, pinned=step == 2)
    assert steps(tmp_path) == [2, 4, 5]
    assert step_of(newest(tmp_path)) == 5
    assert step_of(pinned(tmp_path)) == 2
    assert read_progress(pinned(tmp_path)) == Progress(2, 1.5, pinned=True)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_there_may_be_none(tmp_path):
    assert newest(tmp_path) is None
    assert pinned(tmp_path / "nowhere") is None


def test_half_written_folders_are_no_checkpoints(tmp_path):
    save_at(tmp_path, 3)
    (tmp_path / ".step-00000007.123.partial").mkdir()
    assert step_of(newest(tmp_path)) == 3


def test_tied_weights_and_views_come_back(tmp_path):
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    model[1].weight = model[0].weight
    model.register_buffer("part", torch.arange(6.0).view(2, 3).T)
    save(tmp_path, model, {}, Progress(1, 0), keep=1)
    found = read_model(newest(tmp_path))
    assert found.keys() == model.state_dict().keys()
    assert all(torch.equal(found[name], value) for name, value in model.state_dict().items())


def test_the_state_of_optimisers_comes_back(tmp_path):
    model = nn.Linear(2, 2)
    for optimiser in (torch.optim.AdamW(model.parameters()), torch.optim.SGD(model.parameters())):
        model(torch.ones(1, 2)).sum().backward()
        optimiser.step()
        save(tmp_path, model, {"optimiser": optimiser.state_dict()}, Progress(1, 0), keep=1)
        found = read_state(newest(tmp_path))["optimiser"]
        assert found["param_groups"] == optimiser.state_dict()["param_groups"]


def draw():
    return random.random(), np.random.random(), np.random.normal(), torch.rand(3).tolist()


def test_generators_go_on_where_they_were(tmp_path):
    np.random.normal()  # leaves half a pair behind
    save(tmp_path, nn.Linear(1, 1), {"random": [random_state()]}, Progress(1, 0), keep=1)
    expected = draw()
    draw()
    restore_random_state(read_state(newest(tmp_path))["random"][0])
    assert draw() == expected


@pytest.mark.parametrize("file", ["model.safetensors", "state.pt", "state.json"])
def test_a_damaged_file_is_named(tmp_path, file):
    save_at(tmp_path, 3)
    path = tmp_path / "step-00000003" / file
    path.write_bytes(path.read_bytes()[:10])
    with pytest.raises(RunError, match="step-00000003: the checkpoint is damaged"):
        read_model(path.parent), read_state(path.parent), read_progress(path.parent)


class Code:
    def __reduce__(self):
        return os.getcwd, ()


def test_no_code_runs_from_a_checkpoint(tmp_path):
    save_at(tmp_path, 3)
    torch.save(Code(), tmp_path / "step-00000003" / "state.pt")
    with pytest.raises(RunError, match="damaged"):
        read_state(tmp_path / "step-00000003")


def fill_up(folder, limit):
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    save_at(folder, 1)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        save_at(folder, 2)
    except RunError as error:
        told = "The one of step 1 is whole" in str(error) and "--resume" in str(error)
        os._exit(0 if told and "cannot be written" in str(error) else 8)
    os._exit(9)


@pytest.mark.parametrize("limit", [0, 40, 400])
def test_a_full_disk_leaves_the_earlier_checkpoint(tmp_path, limit):
    """The limits strike in the weights' header, in the weights, and in the state."""
    assert toy_runs.forked(fill_up, tmp_path, limit) == 0
    assert step_of(newest(tmp_path)) == 1
    assert read_state(newest(tmp_path)) == {"step": 1}
    assert len(list(tmp_path.iterdir())) == 1
