"""Finishing: the encoder is written with the statistics of whole inputs, or not at all."""

import pytest
import torch
import toy_runs

from unlabeled.errors import RunError
from unlabeled.export.encoder import load_encoder, load_reader, read_config
from unlabeled.run_folder import RunFolder
from unlabeled.training import training_run
from unlabeled.training.pretrain import pretrain

SHORT = {"steps": 3}


@pytest.fixture
def data(vectors, tmp_path):
    return toy_runs.write_data(tmp_path / "data")


def train(data, out, sections=toy_runs.MEMORY, **training):
    return pretrain(toy_runs.recipe(sections, **training), data, out, quiet=True)


@pytest.mark.parametrize("count", [28, 29, 30])
def test_batch_norm_has_the_statistics_of_all_items_whatever_is_left_over(
    vectors, tmp_path, count, monkeypatch
):
    """One value per item and channel: a lone item in a batch would have no variance."""
    from unlabeled_vectors.parts import Mixer

    def encode(self, batch, output):
        rows = self.first(batch.values[:, 0])
        return self.second(torch.tanh(self.norm(rows)))

    monkeypatch.setattr(Mixer, "_encode", encode)
    path = toy_runs.write_data(tmp_path / "data", count=count)
    run = train(path, tmp_path / "run", **SHORT)
    encoder, reader = load_encoder(run.path), load_reader(run.path)
    values = [torch.as_tensor(reader.read(item))[0] for item in reader.index(path)]
    hidden = encoder.first(torch.stack(values)).detach()
    torch.testing.assert_close(encoder.norm.running_mean, hidden.mean(0), atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(encoder.norm.running_var, hidden.var(0), atol=1e-5, rtol=1e-4)


def test_statistics_that_are_not_finite_are_not_exported(data, tmp_path, monkeypatch):
    def settle(job, trainer):
        trainer.pretext.encoder.norm.running_var.fill_(torch.nan)

    monkeypatch.setattr(training_run, "settle_batch_norm", settle)
    with pytest.raises(RunError, match=r"encoder's norm\.running_var are not finite"):
        train(data, tmp_path / "run")
    assert not RunFolder(tmp_path / "run").encoder.exists()


def test_an_encoder_says_how_it_was_trained(data, tmp_path):
    run = train(data, tmp_path / "run", **SHORT)
    found = read_config(run.path).provenance
    assert (found.steps, found.batch_size, found.items) == (3, 7, toy_runs.ITEMS)
    assert (found.recipe, found.pretext) == ("toy", "vectors/memory")
    assert run.manifest.status == "finished"
