"""A run from data to encoder, and one clear error for everything that can be wrong with it."""

import os
import signal

import pytest
import torch
import toy_runs
from toy_runs import recipe, rows

from unlabeled.errors import (
    CollapseError,
    DataError,
    RecipeError,
    RunError,
    UnlabeledError,
    UnreadableItem,
)
from unlabeled.export.encoder import load_encoder
from unlabeled.run_folder import JsonLines, RunFolder
from unlabeled.training import checkpoint
from unlabeled.training.pretrain import pretrain, resume
from unlabeled.training.signals import Stopped

SHORT = {"steps": 3, "health_every": 0}


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    return tmp_path_factory.mktemp("pretrain")


@pytest.fixture
def data(vectors, shared):
    path = shared / "data"
    return path if path.exists() else toy_runs.write_data(path)


def train(data, out, sections=toy_runs.MEMORY, continue_from=None, **training):
    return pretrain(
        recipe(sections, **training), data, out, continue_from=continue_from, quiet=True
    )


def test_a_run_explains_itself(data, tmp_path):
    run = train(data, tmp_path / "run", epochs=2, health_every=3)
    manifest = run.manifest
    assert (manifest.status, manifest.steps, manifest.total_steps) == ("finished", 8, 8)
    assert manifest.exact
    assert manifest.data.items == 30
    assert manifest.environment["versions"].keys() >= {"unlabeled", "unlabeled-vectors", "torch"}
    found = rows(run.path)
    assert [row["step"] for row in found] == list(range(1, 9))
    assert [row["epoch"] for row in found] == [0] * 4 + [1] * 4
    assert found[0].keys() >= {"loss", "loss_positive", "lr", "grad_norm"}
    examined = [row["step"] for row in found if "health_effective_rank" in row]
    assert examined == [3, 6, 8]
    encoder = load_encoder(run.path)
    trained = checkpoint.read_model(checkpoint.newest(run.path / "checkpoints"))
    assert torch.equal(encoder.first.weight, trained["encoder.first.weight"])


def test_a_method_may_hand_over_its_teacher(data, tmp_path):
    """Exported, watched for collapse, and calibrated before the method copied it."""
    sections = {**toy_runs.MEMORY, "pretext": {"name": "vectors/taught"}}
    run = train(data, tmp_path / "run", sections, steps=3, health_every=3)
    trained = checkpoint.read_model(checkpoint.newest(run.path / "checkpoints"))
    encoder = load_encoder(run.path)
    assert torch.equal(encoder.first.weight, trained["teacher.encoder.first.weight"])
    assert not torch.equal(encoder.first.weight, trained["encoder.first.weight"])
    assert torch.equal(trained["mean_at_start"], trained["encoder.mean"])
    assert trained["mean_at_start"][3] == pytest.approx(5, abs=0.2)


def test_an_exported_encoder_of_another_class_is_refused_before_training(data, tmp_path):
    sections = {**toy_runs.MEMORY, "pretext": {"name": "vectors/stranger"}}
    with pytest.raises(
        RecipeError, match="expected to be a Mixer, as the recipe's encoder is, found O"
    ):
        train(data, tmp_path / "run", sections, **SHORT)


def test_equal_seeds_give_equal_runs_and_health_leaves_no_trace(data, tmp_path):
    train(data, tmp_path / "one", health_every=0)
    train(data, tmp_path / "two", health_every=2)
    train(data, tmp_path / "other", health_every=0, seed=1)
    assert toy_runs.same_state(tmp_path / "one", tmp_path / "two")
    assert not toy_runs.same_state(tmp_path / "one", tmp_path / "other")


@pytest.mark.parametrize(
    "training",
    [
        {"precision": "bf16-mixed"},
        {"precision": 64},
        {"optimiser": {"name": "lars"}},
        {"optimiser": {"name": "sgd"}, "clip": 0.1},
        {"batching": "by_size", "samples_per_item": 2},
        {"deterministic": False},
    ],
    ids=str,
)
def test_every_setting_trains(data, tmp_path, training):
    run = train(data, tmp_path / "run", **{**SHORT, **training})
    assert run.manifest.steps == 3
    assert not torch.are_deterministic_algorithms_enabled()


def test_barlow_twins_trains(data, tmp_path):
    run = train(data, tmp_path / "run", toy_runs.BARLOW, steps=20)
    losses = [row["loss"] for row in rows(run.path)]
    assert sum(losses[-5:]) < sum(losses[:5])


def test_tensorboard_is_written_when_asked(data, tmp_path):
    pytest.importorskip("tensorboard")
    run = train(data, tmp_path / "run", **SHORT, tensorboard=True)
    assert list((run.path / "tensorboard").glob("events.*"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_step_and_saves(data, tmp_path, monkeypatch, number):
    from unlabeled_vectors.method import Memory

    before = signal.getsignal(number)
    forward = toy_runs.at_call(4, toy_runs.send(number), Memory)
    monkeypatch.setattr(Memory, "forward", forward)
    with pytest.raises(Stopped, match=r"after step 4 of 12.*\n  unlabeled pretrain --resume") as at:
        train(data, tmp_path / "run", workers=1)
    assert at.value.exit_code == 130
    assert signal.getsignal(number) is before
    assert toy_runs.manifest(tmp_path / "run")["status"] == "stopped"
    assert checkpoint.newest(tmp_path / "run" / "checkpoints").name == "step-00000004"


def test_checkpoints_are_written_as_time_passes(data, tmp_path):
    train(data, tmp_path / "run", steps=4, checkpoint={"every_minutes": 1e-9, "keep": 9})
    assert len(list((tmp_path / "run" / "checkpoints").iterdir())) == 4


# Bad input


def test_data_that_are_not_there(data, tmp_path):
    (tmp_path / "empty").mkdir()
    for path in ("nothing", "empty"):
        with pytest.raises(DataError, match=path):
            train(tmp_path / path, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def broken(tmp_path, count, text="no json"):
    path = toy_runs.write_data(tmp_path / "data")
    for number in range(count):
        (path / f"{number:04}.json").write_text(text)
    return path


EMPTY = '{"group": "g", "site": "s", "length": 3, "values": []}'
"""The index finds nothing wrong with it; reading does."""


@pytest.mark.parametrize("text", ["no json", EMPTY])
def test_one_broken_file_among_many_is_set_aside(vectors, tmp_path, text, capsys):
    path = broken(tmp_path, 1, text)
    recipe = toy_runs.recipe(epochs=3, health_every=0)
    run = pretrain(recipe, path, tmp_path / "run")
    listed = list(JsonLines(RunFolder(run.path).quarantine).rows())
    assert [os.path.basename(row["source"]) for row in listed] == ["0000.json"]  # noqa: PTH119
    told = "1 item could not be used while training" in capsys.readouterr().err
    assert told == (text == EMPTY)  # of the other, the start says so


@pytest.mark.parametrize("text", ["no json", EMPTY])
def test_one_broken_file_stops_the_run_if_asked_to(vectors, tmp_path, text):
    with pytest.raises(UnreadableItem, match=r"0000\.json: expected"):
        train(broken(tmp_path, 1, text), tmp_path / "run", epochs=3, unreadable="stop")


@pytest.mark.parametrize("text", ["no json", EMPTY])
@pytest.mark.parametrize("count", [10, 30])
def test_too_many_broken_files(vectors, tmp_path, text, count):
    with pytest.raises(DataError, match=r"cannot be used|found nothing|can be read"):
        train(broken(tmp_path, count, text), tmp_path / "run", epochs=3)


def test_what_was_mended_can_be_tried_again(vectors, tmp_path):
    with pytest.raises(DataError):
        train(broken(tmp_path, 30, EMPTY), tmp_path / "run", **SHORT)
    toy_runs.write_data(tmp_path / "data", count=20)
    for number in range(20, 30):
        (tmp_path / "data" / f"{number:04}.json").unlink()
    run = train(tmp_path / "data", tmp_path / "run", **SHORT)
    assert run.manifest.data.items == 20
    assert not RunFolder(run.path).quarantine.exists()


def test_another_run_in_the_folder(data, tmp_path):
    train(data, tmp_path / "run", **SHORT)
    with pytest.raises(RunError, match=r"training\.seed: 0 then, 1 now"):
        train(data, tmp_path / "run", **SHORT, seed=1)
    assert train(data, tmp_path / "run", **SHORT).manifest.status == "finished"


def test_something_else_in_the_folder(data, tmp_path):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(RunError, match=r"found notes\.txt"):
        train(data, tmp_path, **SHORT)


def test_two_processes_on_one_run(data, tmp_path):
    out = tmp_path / "run"
    train(data, out)
    with RunFolder(out).locked():
        assert toy_runs.exit_code(toy_runs.try_to_resume, out) == 7


def test_resuming_what_is_no_run(tmp_path):
    with pytest.raises(RunError, match="expected the folder of a run"):
        resume(tmp_path, quiet=True)


def test_what_the_machine_cannot_do(data, tmp_path):
    if not torch.cuda.is_available():
        with pytest.raises(RecipeError, match="16-mixed needs a GPU"):
            train(data, tmp_path / "run", precision="16-mixed")


def collapse(monkeypatch):
    from unlabeled_vectors.parts import Mixer

    encode = Mixer._encode
    monkeypatch.setattr(Mixer, "_encode", lambda self, *args: 0 * encode(self, *args) + 1)


def test_a_collapse_is_told_or_ends_the_run(data, tmp_path, monkeypatch, capsys):
    collapse(monkeypatch)
    with pytest.raises(CollapseError, match=r"step 5: collapsed"):
        train(data, tmp_path / "stop", on_collapse="stop")
    assert rows(tmp_path / "stop")[-1]["health_collapsed"]
    pretrain(recipe(on_collapse="warn"), data, tmp_path / "warn")
    assert "step 5: collapsed" in capsys.readouterr().err


def test_an_error_of_a_plugin_keeps_its_message(data, tmp_path, monkeypatch):
    from unlabeled_vectors.method import Memory

    def refuse(self, sample, draw):
        raise UnlabeledError("samples of this kind are not supported")

    monkeypatch.setattr(Memory, "example", refuse)
    with pytest.raises(UnlabeledError, match=r"^samples of this kind are not supported$"):
        train(data, tmp_path / "run", workers=1)


# Continual pretraining

INFINITE = {"schedule": {"name": "infinite", "warm_up": 0.1, "cool_down": 0.1, "anneal": 0.5}}


def test_the_next_run_starts_before_the_anneal(data, tmp_path):
    """The checkpoint before the anneal outlives newer ones, and the source is left as it was."""
    first = train(data, tmp_path / "first", **INFINITE, checkpoint={"every_steps": 1, "keep": 1})
    kept = sorted(path.name for path in (first.path / "checkpoints").iterdir())
    assert kept == ["step-00000006", "step-00000012"]
    before = {path: path.stat().st_mtime_ns for path in first.path.rglob("*.*")}
    other = toy_runs.write_data(tmp_path / "other", count=20)
    second = train(other, tmp_path / "second", continue_from=first.path, **INFINITE)
    assert {path: path.stat().st_mtime_ns for path in first.path.rglob("*.*")} == before
    assert second.manifest.continues == str(first.path.resolve())
    rates = [row["lr"] for row in rows(second.path)]
    constant = rows(first.path)[5]["lr"]
    assert rates[:7] == pytest.approx([constant] * 7)
    assert rates[-1] < constant


def test_an_annealed_copy_branches_off(data, tmp_path):
    """anneal 1 is nothing but the anneal, on the moments of the source's optimiser."""
    forever = {"schedule": {**INFINITE["schedule"], "anneal": 0.0}}
    first = train(data, tmp_path / "first", **forever)
    end = {"schedule": {**INFINITE["schedule"], "anneal": 1.0}}
    copy = train(data, tmp_path / "copy", continue_from=first.path, **end, steps=4)
    assert rows(copy.path)[0]["lr"] == rows(first.path)[-1]["lr"]
    moments = checkpoint.read_state(checkpoint.newest(copy.path / "checkpoints"))["optimiser"]
    assert {int(state["step"]) for state in moments["state"].values()} == {12 + 4}


def test_another_method_cannot_be_continued(data, tmp_path):
    first = train(data, tmp_path / "first", **SHORT)
    wider = {**toy_runs.MEMORY, "encoder": {"name": "vectors/mixer", "width": 16}}
    with pytest.raises(RunError, match=r"another method:\n  encoder\.width: 8 then, 16 now"):
        train(data, tmp_path / "second", wider, continue_from=first.path, **SHORT)
