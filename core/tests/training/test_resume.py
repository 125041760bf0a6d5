"""A run that was interrupted and resumed equals one that never was, bit for bit."""

import json
import os
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import torch
import toy_runs
from toy_runs import final_state, recipe, rows, same_state

from unlabeled.errors import RunError
from unlabeled.recipe import build_pretext
from unlabeled.training import checkpoint, training_run
from unlabeled.training.launch import seed_generators
from unlabeled.training.loader import RankBatches
from unlabeled.training.pretrain import pretrain, resume
from unlabeled.training.signals import Stopped

EVERY = {"checkpoint": {"every_steps": 3, "keep": 2}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("resume")


@pytest.fixture
def data(vectors, folder):
    path = folder / "data"
    return path if path.exists() else toy_runs.write_data(path)


@pytest.fixture
def whole(data, folder):
    """A run that was never stopped."""
    out = folder / "whole"
    if not out.exists():
        pretrain(recipe(**EVERY), data, out, quiet=True)
    return out


@pytest.fixture
def stopped(data, folder):
    """A run that was asked to stop in step 8 of 12, in the middle of the second epoch."""
    from unlabeled_vectors.method import Memory

    out = folder / "stopped"
    if not out.exists():
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Memory, "forward", toy_runs.at_call(8, toy_runs.send(15), Memory))
            with pytest.raises(Stopped):
                pretrain(recipe(**EVERY), data, out, quiet=True)
    return out


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_killed_run_ends_as_if_nothing_had_happened(whole, data, tmp_path, workers, seed):
    first, second = np.random.default_rng([workers, seed]).integers(1, [12, 4])
    training = {**EVERY, "workers": workers}
    died = toy_runs.exit_code(toy_runs.train_and_die, data, tmp_path / "run", int(first), training)
    assert died == -signal.SIGKILL
    assert toy_runs.manifest(tmp_path / "run")["status"] == "running"
    if seed:
        died = toy_runs.exit_code(toy_runs.resume_and_die, tmp_path / "run", int(second))
        assert died in (-signal.SIGKILL, 0)
    run = resume(tmp_path / "run", quiet=True)
    assert run.manifest.exact
    assert run.manifest.status == "finished"
    assert rows(run.path) == rows(whole)
    assert same_state(run.path, whole)


def test_a_kill_while_a_checkpoint_is_written_costs_only_that_one(whole, data, tmp_path):
    out = tmp_path / "run"
    assert toy_runs.exit_code(toy_runs.die_while_saving, data, out, EVERY) == -signal.SIGKILL
    assert checkpoint.newest(out / "checkpoints").name == "step-00000003"
    resume(out, quiet=True)
    assert rows(out) == rows(whole)
    assert same_state(out, whole)


def test_workers_and_stops_leave_no_trace(whole, stopped, tmp_path):
    out = shutil.copytree(stopped, tmp_path / "run")
    assert [row["step"] for row in rows(out)] == list(range(1, 9))
    resume(out, quiet=True)
    assert rows(out) == rows(whole)
    assert same_state(out, whole)


def forget_position(patch):
    def from_the_start(order, start, stop, **ranks):
        return RankBatches(order, 0, stop - start, **ranks)

    patch.setattr(training_run, "RankBatches", from_the_start)


def forget_random(patch):
    torch.manual_seed(0)
    fresh = checkpoint.random_state()
    change_state(patch, lambda state: {**state, "random": [fresh]})


def forget_optimiser(patch):
    def emptied(state):
        return {**state, "optimiser": {**state["optimiser"], "state": {}}}

    change_state(patch, emptied)


def change_state(patch, change):
    read = checkpoint.read_state
    patch.setattr(checkpoint, "read_state", lambda path: change(read(path)))


def forget_tensors(prefix):
    def forget(patch):
        seed_generators(0, "weights")
        fresh = build_pretext(recipe(), {}).state_dict()
        read = checkpoint.read_model

        def without(path):
            return {k: fresh[k] if k.startswith(prefix) else v for k, v in read(path).items()}

        patch.setattr(checkpoint, "read_model", without)

    return forget


FORGETFUL = {
    "position": forget_position,
    "random": forget_random,
    "optimiser": forget_optimiser,
    "queue": forget_tensors("queue"),
    "teacher": forget_tensors("teacher."),
}


@pytest.mark.parametrize("part", FORGETFUL)
def test_leaving_something_out_of_the_checkpoint_is_noticed(
    whole, stopped, tmp_path, monkeypatch, part
):
    """What the tests above compare would differ, so they can fail."""
    out = shutil.copytree(stopped, tmp_path / "run")
    FORGETFUL[part](monkeypatch)
    resume(out, quiet=True)
    assert rows(out) != rows(whole)
    assert not same_state(out, whole)


def test_a_finished_run_is_left_alone(whole):
    before = final_state(whole)
    run = resume(whole, quiet=True)
    assert run.manifest.status == "finished"
    assert before.keys() == final_state(whole).keys()


def test_the_same_command_again_goes_on(whole, stopped, data, tmp_path):
    out = shutil.copytree(stopped, tmp_path / "run")
    pretrain(recipe(**EVERY), data, out, quiet=True)
    assert rows(out) == rows(whole)


def test_moved_data_are_the_same_data(whole, stopped, data, tmp_path):
    out = shutil.copytree(stopped, tmp_path / "run")
    moved = shutil.copytree(data, tmp_path / "elsewhere")
    resume(out, data=moved, quiet=True)
    assert same_state(out, whole)


def test_a_changed_recipe_is_refused_by_name(stopped, tmp_path):
    out = shutil.copytree(stopped, tmp_path / "run")
    text = (out / "recipe.yaml").read_text()
    (out / "recipe.yaml").write_text(text.replace("batch_size: 7", "batch_size: 6"))
    with pytest.raises(RunError, match=r"training\.batch_size: 7 then, 6 now"):
        resume(out, quiet=True)


def test_changed_data_are_refused_by_name(stopped, data, tmp_path):
    out = shutil.copytree(stopped, tmp_path / "run")
    changed = shutil.copytree(data, tmp_path / "data")
    (changed / "0003.json").unlink()
    with pytest.raises(RunError, match="data: 30 items then, 29 now"):
        resume(out, data=changed, quiet=True)
    other = (data / "0003.json").read_text().replace('"group": "g3"', '"group": "g8"')
    (changed / "0003.json").write_text(other)
    with pytest.raises(RunError, match="the items differ in group"):
        resume(out, data=changed, quiet=True)


def replaced(data, *names):
    """Other content of the same length, as old as the former."""
    for name in names:
        was, content = (data / name).stat(), json.loads((data / name).read_text())
        (data / name).write_text(json.dumps({**content, "values": content["values"][::-1]}))
        os.utime(data / name, ns=(was.st_atime_ns, was.st_mtime_ns))


def test_other_content_of_equal_length_is_told_and_accepted_by_a_flag(stopped, data, tmp_path):
    out = shutil.copytree(stopped, tmp_path / "run")
    changed = shutil.copytree(data, tmp_path / "data")
    replaced(changed, "0003.json", "0007.json")
    (changed / "0009.json").unlink()
    with pytest.raises(RunError) as refused:
        resume(out, data=changed, quiet=True)
    assert "2 items have other content (of 30 then): 0003.json, 0007.json" in str(refused.value)
    assert "1 items are gone (of 30 then): 0009.json" in str(refused.value)
    assert "--accept-changed-data" in str(refused.value)
    run = resume(out, data=changed, accept_changed_data=True, quiet=True)
    assert run.manifest.status == "finished"
    assert not run.manifest.exact
    assert any("2 items have other content" in note for note in run.manifest.notes)
    assert run.manifest.data.items == 29
    # What was accepted is the run's data from now on.
    assert pretrain(recipe(**EVERY), changed, out, quiet=True).manifest == run.manifest


def test_touched_and_copied_data_are_the_same(whole, stopped, data, tmp_path):
    out = shutil.copytree(stopped, tmp_path / "run")
    copied = shutil.copytree(data, tmp_path / "data", copy_function=shutil.copyfile)
    run = resume(out, data=copied, quiet=True)
    assert run.manifest.exact
    assert same_state(run.path, whole)


def test_a_run_from_before_signatures_is_not_called_exact(stopped, tmp_path):
    out = shutil.copytree(stopped, tmp_path / "run")
    (out / "trained_on.jsonl").unlink()
    run = resume(out, quiet=True)
    assert not run.manifest.exact
    assert any("recorded no signatures" in note for note in run.manifest.notes)


def test_a_run_whose_checkpoints_are_gone_does_not_start_again_in_silence(stopped, tmp_path):
    out = shutil.copytree(stopped, tmp_path / "run")
    shutil.rmtree(out / "checkpoints")
    before = (out / "metrics.jsonl").read_text()
    with pytest.raises(RunError, match=r"step 8, and its checkpoints are gone(.*)start afresh"):
        resume(out, quiet=True)
    assert (out / "metrics.jsonl").read_text() == before


def test_a_run_that_died_before_its_first_checkpoint_says_that_it_starts_again(
    data, tmp_path, capsys
):
    died = toy_runs.exit_code(toy_runs.train_and_die, data, tmp_path / "run", 3, {"steps": 4})
    assert died == -signal.SIGKILL
    assert resume(tmp_path / "run").manifest.exact
    assert "it starts again from step 0" in capsys.readouterr().err


def test_more_may_be_left_out_when_a_run_goes_on(stopped, tmp_path):
    out = shutil.copytree(stopped, tmp_path / "run")
    assert resume(out, limits={"max_skipped": 0.5}, quiet=True).manifest.exact


def test_another_environment_makes_the_run_inexact_and_says_why(stopped, tmp_path):
    out = shutil.copytree(stopped, tmp_path / "run")
    file = out / "manifest.json"
    file.write_text(file.read_text().replace('"threads": ', '"threads": 7'))
    run = resume(out, quiet=True)
    assert not run.manifest.exact
    assert any("threads: 7" in note for note in run.manifest.notes)


def test_a_damaged_checkpoint_is_named(stopped, tmp_path):
    out = shutil.copytree(stopped, tmp_path / "run")
    weights = out / "checkpoints" / "step-00000008" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(RunError, match="step-00000008: the checkpoint is damaged"):
        resume(out, quiet=True)


def test_workers_end_with_a_killed_run(data, tmp_path):
    names = tmp_path / "workers"
    died = toy_runs.exit_code(toy_runs.name_workers_and_die, data, tmp_path / "run", names)
    assert died == -signal.SIGKILL
    workers = names.read_text().split()
    assert len(workers) == 2
    deadline = time.monotonic() + 20
    while alive := [worker for worker in workers if running(worker)]:
        assert time.monotonic() < deadline, f"still there: {alive}"
        time.sleep(0.1)


def running(process):
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")")[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
