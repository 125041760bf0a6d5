import json

import pytest
import torch

from unlabeled.cli import main
from unlabeled.errors import RunError, UsageError
from unlabeled.export.encoder import load_encoder, load_reader
from unlabeled.inference.reading import Source
from unlabeled.inference.update_batch_norm import drawn_batches, update_batch_norm
from unlabeled.randomness import keyed_rng


@pytest.fixture
def data(vectors, tmp_path):
    from unlabeled_vectors.parts import write

    write(tmp_path / "data", count=40, seed=0)
    return tmp_path / "data"


@pytest.fixture
def run(save_mixer):
    from unlabeled_vectors.parts import Mixer, MixerSettings

    torch.manual_seed(0)
    return save_mixer(Mixer(MixerSettings(width=6)), batch_size=64)


def test_batch_norm_has_the_statistics_of_the_data_and_no_weight_changes(run, data, tmp_path):
    adapted = load_encoder(update_batch_norm(run, data, tmp_path / "adapted"))

    before, reader = load_encoder(run), load_reader(run)
    with torch.no_grad():
        values = torch.cat([torch.as_tensor(reader.read(item)) for item in reader.index(data)])
        hidden = before.first((values - before.mean) / before.std)
    torch.testing.assert_close(adapted.norm.running_mean, hidden.mean(0), atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(adapted.norm.running_var, hidden.var(0), atol=1e-5, rtol=1e-4)
    for name, parameter in before.named_parameters():
        assert torch.equal(parameter, adapted.get_parameter(name)), name


def test_batches_come_in_the_order_drawn_and_no_item_is_left_out(run, data):
    """Also where one is left over, and where its size alone would fill a batch."""
    encoder, reader = load_encoder(run), load_reader(run)
    items = reader.index(data)
    lengths = items.table["size"].to_numpy()
    batches = list(drawn_batches(encoder, Source(items, reader), range(33), 8, "here"))
    seen = [int(length) for batch in batches for length in batch.valid.sum(1)]
    assert seen == lengths[keyed_rng("here").permutation(range(33))].tolist()
    assert min(len(batch.valid) for batch in batches) > 1


def test_what_it_was_batch_norm_of_is_written_down(run, data, tmp_path):
    out = update_batch_norm(run, data, tmp_path / "adapted")

    described = json.loads((out / "config.json").read_text())
    fingerprint = load_reader(run).index(data).fingerprint()
    assert described["provenance"]["batch_norm_of"] == fingerprint
    assert fingerprint[:12] in (out / "README.md").read_text()


def test_nothing_is_overwritten(run, data, tmp_path):
    (tmp_path / "there").mkdir()
    with pytest.raises(UsageError, match="not there yet"):
        update_batch_norm(run, data, tmp_path / "there")


def test_an_encoder_without_batch_norm_is_refused(run, data, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "unlabeled.inference.update_batch_norm.has_batch_norm", lambda encoder: False
    )
    with pytest.raises(RunError, match="no batch norm"):
        update_batch_norm(run, data, tmp_path / "adapted")


def test_the_command_says_where_the_encoder_lies(run, data, tmp_path, capsys):
    words = ["update-batch-norm", str(run), str(data), "--out", str(tmp_path / "adapted"), "--json"]
    assert main.run(words) == 0
    assert json.loads(capsys.readouterr().out) == {"encoder": str(tmp_path / "adapted")}
