"""Runs that start from the encoder of another: weights and statistics, lineage, exact resume."""

import json
import shutil

import pytest
import torch
from toy_runs import BARLOW, MEMORY, at_call, manifest, recipe, rows, same_state, send, write_data

from unlabeled import labelled
from unlabeled.cli.main import run as command
from unlabeled.errors import RunError, UsageError
from unlabeled.export.encoder import encoder_digest, load_encoder, read_config
from unlabeled.recipe import merge
from unlabeled.run_folder import RunFolder
from unlabeled.training import checkpoint
from unlabeled.training.pretrain import pretrain, resume
from unlabeled.training.signals import Stopped

STILL = {"training": {"optimiser": {"lr": 1e-30}, "steps": 1}}


@pytest.fixture
def data(vectors, tmp_path):
    return write_data(tmp_path / "data")


@pytest.fixture
def first(data, tmp_path):
    return pretrain(recipe(BARLOW, steps=4), data, tmp_path / "first", quiet=True)


def begun(out):
    """The weights that a run of one step with a tiny rate has at its end."""
    return checkpoint.read_model(checkpoint.newest(RunFolder(out).checkpoints))


def test_weights_and_statistics_come_along_under_another_method(first, tmp_path):
    """The statistics are those of the first run's data, not of the new."""
    other, asked = write_data(tmp_path / "other", count=17), recipe(merge(MEMORY, STILL), steps=1)
    found = pretrain(asked, other, tmp_path / "run", start_from=first.path, quiet=True)
    there, weights = load_encoder(first.path), begun(found.path)
    for name, value in there.named_parameters():
        assert torch.allclose(weights[f"encoder.{name}"], value.detach(), atol=1e-6), name
    fresh = begun(pretrain(asked, other, tmp_path / "fresh", quiet=True).path)
    for name in ("mean", "std"):
        assert torch.equal(weights[f"encoder.{name}"], there.get_buffer(name))
        assert not torch.equal(fresh[f"encoder.{name}"], there.get_buffer(name))


def test_lineage_is_in_manifest_encoder_and_card(data, first, tmp_path):
    found = pretrain(recipe(), data, tmp_path / "run", start_from=first.path, quiet=True)
    start = manifest(found.path)["started_from"]
    assert start["path"] == str((first.path / "encoder").resolve())
    assert (start["recipe"], start["pretext"], start["steps"]) == ("toy", "joint_embedding", 4)
    assert start["digest"] == encoder_digest(first.path, read_config(first.path))
    assert read_config(found.path).provenance.started_from == start
    card = (found.path / "encoder" / "README.md").read_text()
    assert f"started from the encoder `{start['digest'][:12]}` of toy (4 steps)" in card


def test_a_resumed_run_is_the_run_never_stopped_though_the_first_is_gone(
    data, first, tmp_path, monkeypatch
):
    from unlabeled_vectors.method import Memory

    training = {"checkpoint": {"every_steps": 3}}
    pretrain(recipe(**training), data, tmp_path / "whole", start_from=first.path, quiet=True)
    with monkeypatch.context() as patch:
        patch.setattr(Memory, "forward", at_call(8, send(15), Memory))
        asked = recipe(**training)
        with pytest.raises(Stopped):
            pretrain(asked, data, tmp_path / "broken", start_from=first.path, quiet=True)
    shutil.rmtree(first.path)
    resume(tmp_path / "broken", quiet=True)
    assert rows(tmp_path / "whole") == rows(tmp_path / "broken")
    assert same_state(tmp_path / "whole", tmp_path / "broken")
    assert manifest(tmp_path / "broken")["exact"]


def test_another_architecture_is_refused_by_its_settings(data, first, tmp_path):
    wider = recipe(merge(MEMORY, {"encoder": {"width": 12}}))
    with pytest.raises(RunError, match=r"encoder\.width: \d+ then, 12 now"):
        pretrain(wider, data, tmp_path / "run", start_from=first.path, quiet=True)


def test_the_same_folder_takes_no_other_beginning(data, first, tmp_path):
    pretrain(recipe(), data, tmp_path / "run", start_from=first.path, quiet=True)
    pretrain(recipe(), data, tmp_path / "run", start_from=first.path / "encoder", quiet=True)
    with pytest.raises(RunError, match=r"started from .*first/encoder, and is asked .* from none"):
        pretrain(recipe(), data, tmp_path / "run", quiet=True)
    with pytest.raises(UsageError, match="found both"):
        pretrain(recipe(), data, tmp_path / "x", start_from=first.path, continue_from=first.path)


def test_groups_that_the_first_run_had_labels_of_count_as_seen(data, first, tmp_path):
    file = RunFolder(first.path).labelled
    file.write_text(json.dumps({"format": 1, "target": "t", "groups": ["g3"], "contents": []}))
    found = pretrain(recipe(), data, tmp_path / "run", start_from=first.path, quiet=True)
    assert labelled.read(RunFolder(found.path)).groups == {"g3"}


def test_the_flag(data, first, tmp_path, capsys):
    file = tmp_path / "toy.yaml"
    import yaml

    file.write_text(yaml.safe_dump(merge(MEMORY, {"training": {"steps": 1}})))
    words = ["pretrain", str(file), str(data), "--out", str(tmp_path / "run")]
    assert command([*words, "--start-from", str(first.path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["started_from"]["recipe"] == "toy"
    assert command(["pretrain", "--resume", str(first.path), "--start-from", "x"]) == 2
