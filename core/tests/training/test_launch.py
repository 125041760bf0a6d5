"""Numbers of processes that do not fit the machine or its launcher."""

import pytest

from unlabeled.errors import UsageError
from unlabeled.training.launch import launch, processes

TORCHRUN = {
    "RANK": "0",
    "GROUP_RANK": "0",
    "LOCAL_RANK": "0",
    "TORCHELASTIC_RUN_ID": "1",
}
SLURM = {"SLURM_NTASKS": "4", "SLURM_NTASKS_PER_NODE": "2", "SLURM_NNODES": "2"}


def env(monkeypatch, values):
    for name, value in values.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(
    ("world", "local", "message"),
    [
        ("3", "2", "expected a multiple of LOCAL_WORLD_SIZE"),
        ("two", "1", r"WORLD_SIZE \(environment\): expected a number above 0, found 'two'"),
        ("2", "0", r"LOCAL_WORLD_SIZE \(environment\)"),
    ],
)
def test_torchrun_with_numbers_that_do_not_fit(world, local, message, monkeypatch):
    env(monkeypatch, {**TORCHRUN, "WORLD_SIZE": world, "LOCAL_WORLD_SIZE": local})
    with pytest.raises(UsageError, match=message):
        processes(1, 1)


def test_torchrun_says_how_many_there_are(monkeypatch):
    env(monkeypatch, {**TORCHRUN, "WORLD_SIZE": "4", "LOCAL_WORLD_SIZE": "2"})
    assert processes(1, 1) == (2, 2)


def test_slurm_started_other_numbers(monkeypatch):
    env(monkeypatch, SLURM)
    assert processes(2, 2) == (2, 2)
    with pytest.raises(UsageError, match=r"--devices 1: .*SLURM_NTASKS_PER_NODE=2"):
        processes(1, 2)
    with pytest.raises(UsageError, match=r"--nodes 1: .*SLURM_NNODES=2"):
        processes(2, 1)


def test_several_machines_need_an_address():
    with pytest.raises(UsageError, match="MASTER_ADDR"):
        processes(1, 2)


@pytest.mark.parametrize(
    ("devices", "accelerator"), [(0, "cpu"), (-1, "auto"), (10**6, "cpu"), (1, "tpu")]
)
def test_devices_that_are_not_there(devices, accelerator):
    with pytest.raises(UsageError, match=r"--devices|--accelerator"):
        launch("32", devices=devices, nodes=1, accelerator=accelerator)
