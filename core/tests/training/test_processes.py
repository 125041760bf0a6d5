"""Two processes equal one with the joint batch, whoever starts them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import toy_runs
from toy_runs import final_state, rows


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("processes")


@pytest.fixture
def one(vectors, folder):
    """Both toy runs on one process."""
    if not (folder / "one").exists():
        toy_runs.train_exactly(toy_runs.write_data(folder / "data"), folder / "one", 1)
    return folder / "one"


def test_under_torchrun(one, folder):
    """Batches of 7 are shared 3 to 4; batch norm, clipping, teacher and queue."""
    toy_runs.as_torchrun_does(2, toy_runs.train_exactly, folder / "data", folder / "torchrun", 1)
    assert_equal_runs(one, folder / "torchrun")


def test_by_the_flag(one, folder):
    paths = [str(Path(toy_runs.__file__).parent), os.environ["PYTHONPATH"]]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    script = folder / "script.py"
    script.write_text("import sys, toy_runs\ntoy_runs.train_exactly(*sys.argv[1:3], devices=2)\n")
    command = [sys.executable, script, folder / "data", folder / "flag"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr[-4000:]
    assert_equal_runs(one, folder / "flag")


def test_replicas_of_one_batch_are_one_process(one, folder):
    """As one large graph is: fewer items than processes, and dropout that all draw alike."""
    toy_runs.train_replicated(folder / "data", folder / "alone", 1)
    toy_runs.as_torchrun_does(2, toy_runs.train_replicated, folder / "data", folder / "replicas", 1)
    assert_equal_runs(folder / "alone", folder / "replicas", steps=6)


def test_a_signal_to_one_process_stops_all_and_the_run_resumes_exactly(one, folder):
    """Dropout draws from each process's own generator, and both come back."""
    data, whole, halved = folder / "data", folder / "whole", folder / "halved"
    toy_runs.as_torchrun_does(2, toy_runs.train, data, whole)
    toy_runs.as_torchrun_does(2, toy_runs.stop_one, data, halved)
    assert 5 <= len(rows(halved)) < 12
    toy_runs.as_torchrun_does(2, toy_runs.train, data, halved)
    assert rows(halved) == rows(whole)
    assert toy_runs.same_state(halved, whole)


def test_what_one_process_cannot_read_ends_all(vectors, tmp_path):
    data = toy_runs.write_data(tmp_path / "data")
    empty = '{"group": "g", "site": "s", "length": 3, "values": []}'
    (data / "0007.json").write_text(empty)
    toy_runs.as_torchrun_does(2, toy_runs.fail_alike, data, tmp_path / "run")


def assert_equal_runs(one, two, steps=10):
    for name in ("barlow", "memory"):
        assert toy_runs.manifest(two / name)["environment"]["processes"] == 2
        assert len(rows(one / name)) == len(rows(two / name)) == steps
        for expected, found in zip(rows(one / name), rows(two / name), strict=True):
            assert found == pytest.approx(expected, abs=1e-9, rel=1e-9)
        expected, found = final_state(one / name), final_state(two / name)
        for key, value in expected.items():
            if not key.startswith("random"):
                torch.testing.assert_close(found[key], value, atol=1e-9, rtol=1e-9)
