"""The whole method of a run, with what the exported encoder leaves out."""

import shutil

import pytest
import torch
import toy_runs
from toy_runs import recipe

from unlabeled.errors import RunError
from unlabeled.export.encoder import load_encoder
from unlabeled.training import checkpoint
from unlabeled.training.method import load_method
from unlabeled.training.pretrain import pretrain


@pytest.fixture
def run(vectors, tmp_path):
    data = toy_runs.write_data(tmp_path / "data")
    return pretrain(recipe(steps=4), data, tmp_path / "run", quiet=True).path


def test_the_trained_method_has_its_heads_teacher_and_queue(run):
    before = torch.get_rng_state()
    method = load_method(run)
    assert torch.equal(torch.get_rng_state(), before)
    saved = checkpoint.read_model(checkpoint.newest(run / "checkpoints"))
    found = method.state_dict()
    assert found.keys() == saved.keys()
    assert not method.training
    for name in ("projector.weight", "teacher.encoder.first.weight", "queue"):
        assert torch.equal(found[name], saved[name])


def test_what_is_exported_is_what_the_run_handed_over(run):
    """Batch-norm statistics are fitted after the last checkpoint."""
    exported = load_encoder(run).state_dict()
    found = load_method(run).exported.state_dict()
    assert all(torch.equal(found[name], exported[name]) for name in exported)


def test_a_run_that_goes_on_has_its_last_checkpoint(run):
    shutil.rmtree(run / "encoder")
    saved = checkpoint.read_model(checkpoint.newest(run / "checkpoints"))
    found = load_method(run).state_dict()
    assert all(torch.equal(found[name], saved[name]) for name in saved)


def test_what_the_data_filled_in_is_known_without_the_data(run):
    filled = toy_runs.manifest(run)["method"]
    assert filled["encoder"]["name"] == "vectors/mixer"
    assert filled["pretext"]["name"] == "vectors/memory"
    shutil.rmtree(run.parent / "data")
    load_method(run)


def test_without_a_checkpoint_it_says_so(run):
    shutil.rmtree(run / "checkpoints")
    with pytest.raises(RunError, match="no checkpoint"):
        load_method(run)
