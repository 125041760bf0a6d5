"""Building: a calibrated encoder, and a method that fits the batch, or an error that says why."""

import pytest
import toy_runs

from unlabeled.errors import RecipeError
from unlabeled.export.encoder import load_encoder
from unlabeled.training.pretrain import pretrain

SHORT = {"steps": 3}


@pytest.fixture
def data(vectors, tmp_path):
    return toy_runs.write_data(tmp_path / "data")


def train(data, out, sections=toy_runs.MEMORY, **training):
    return pretrain(toy_runs.recipe(sections, **training), data, out, quiet=True)


def test_inputs_are_calibrated_before_training(data, tmp_path):
    encoder = load_encoder(train(data, tmp_path / "run", **SHORT).path)
    assert encoder.mean[3] == pytest.approx(5, abs=0.2)


def test_a_batch_that_is_too_small(data, tmp_path):
    with pytest.raises(RecipeError, match=r"needs at least 2 items in a batch, found 1"):
        train(data, tmp_path / "run", toy_runs.BARLOW, batch_size=1)


def test_gradient_checkpointing_that_the_encoder_does_not_offer(data, tmp_path):
    with pytest.raises(RecipeError, match="vectors/mixer does not offer it"):
        train(data, tmp_path / "run", gradient_checkpointing=True)


def test_an_exported_encoder_of_another_class_is_refused(data, tmp_path, monkeypatch):
    from unlabeled_vectors.method import Memory
    from unlabeled_vectors.parts import Linear, MixerSettings

    monkeypatch.setattr(Memory, "exported", property(lambda self: Linear(MixerSettings())))
    with pytest.raises(RecipeError, match=r"exported is expected to be a Mixer.*found Linear"):
        train(data, tmp_path / "run", **SHORT)
