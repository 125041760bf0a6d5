import numpy as np
import pytest
import torch

from unlabeled.evaluation.random_encoders import random_encoder
from unlabeled.inference.reading import Source
from unlabeled.recipe import read_choice


@pytest.fixture
def source(vectors, tmp_path):
    from unlabeled_vectors.parts import JsonReader, write

    write(tmp_path / "data", count=40, seed=0)
    reader = JsonReader()
    return Source(reader.index(tmp_path / "data"), reader)


def made(source, seed, rows=range(40), batch_size=8):
    choice = read_choice("encoders", {"name": "vectors/mixer", "width": 6}, "here")
    return random_encoder(choice, seed, source, rows, output="pooled", batch_size=batch_size)


def test_weights_depend_on_the_seed_and_on_nothing_else(source):
    torch.manual_seed(1)
    first = made(source, 0).first.weight
    torch.manual_seed(2)
    before = torch.get_rng_state()
    again, other = made(source, 0).first.weight, made(source, 1).first.weight
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), before)


def test_inputs_are_calibrated_on_the_given_items_alone(source):
    encoder = made(source, 0, rows=range(10))
    values = np.concatenate([source.reader.read(source.items[row]) for row in range(10)])
    np.testing.assert_allclose(encoder.mean, values.mean(0), atol=1e-5)


def test_batch_norm_has_the_statistics_of_the_data_without_dropout(source):
    encoder = made(source, 0, batch_size=64)
    samples = [source.reader.read(item) for item in source.items]
    with torch.no_grad():
        values = torch.cat([torch.as_tensor(sample) for sample in samples])
        hidden = encoder.first((values - encoder.mean) / encoder.std)
    torch.testing.assert_close(encoder.norm.running_mean, hidden.mean(0), atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(encoder.norm.running_var, hidden.var(0), atol=1e-5, rtol=1e-4)
    assert not any(module.training for module in encoder.modules())
    assert encoder.norm.momentum == 0.1


def test_it_does_not_matter_how_the_items_are_cut(source):
    whole, cut = made(source, 0, batch_size=64), made(source, 0, batch_size=10)
    torch.testing.assert_close(cut.norm.running_mean, whole.norm.running_mean)
    torch.testing.assert_close(cut.norm.running_var, whole.norm.running_var)
    assert int(cut.norm.num_batches_tracked) >= 4
