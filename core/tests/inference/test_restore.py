"""A restoration run writes one file per item; what is done is not done again."""

import json

import pytest
import torch
import toy_runs

from unlabeled.cli import main
from unlabeled.errors import DataError, RunError, UnreadableItem, UsageError
from unlabeled.export.encoder import load_encoder, load_reader
from unlabeled.inference.restore import restore
from unlabeled.training.pretrain import pretrain

DENOISE = {
    "reader": {"name": "vectors/json"},
    "encoder": {"name": "vectors/linear", "width": 4},
    "pretext": {"name": "vectors/denoise"},
    "training": {"batch_size": 8, "steps": 3, "health_every": 0},
}


@pytest.fixture
def data(vectors, tmp_path):
    return toy_runs.write_data(tmp_path / "data", count=12)


@pytest.fixture
def run(data, tmp_path):
    return pretrain(toy_runs.recipe(DENOISE), data, tmp_path / "run", quiet=True).path


def test_what_a_restoration_gives_is_not_examined_for_collapse(data, tmp_path):
    pretrain(toy_runs.recipe(DENOISE, health_every=1), data, tmp_path / "run", quiet=True)
    assert not any(
        key.startswith("health_") for row in toy_runs.rows(tmp_path / "run") for key in row
    )


def break_file(path):
    path.write_text(json.dumps({**json.loads(path.read_text()), "values": []}))


def test_every_item_becomes_a_file_of_what_the_encoder_makes_of_it(run, data, tmp_path):
    (data / "deep").mkdir()
    (data / "0003.json").rename(data / "deep" / "0003.json")
    done = restore(run, data, tmp_path / "out")
    assert (done.files, done.added, done.quarantine) == (12, 12, ())
    encoder, reader = load_encoder(run), load_reader(run)
    for item in reader.index(data):
        found = json.loads((tmp_path / "out" / f"{item.id}.clean.json").read_text())
        with torch.no_grad():
            expected = encoder.encode(encoder.collate([reader.read(item)]), "steps").values[0]
        torch.testing.assert_close(torch.tensor(found), expected)


def test_a_second_call_restores_only_what_is_new_changed_or_gone(run, data, tmp_path, monkeypatch):
    from unlabeled_vectors.method import Denoise

    out, calls = tmp_path / "out", []
    restore(run, data, out)
    plain = Denoise.restore.__func__

    def counted(cls, encoder, reader, item, file):
        calls.append(item.id)
        plain(cls, encoder, reader, item, file)

    monkeypatch.setattr(Denoise, "restore", classmethod(counted))
    assert (restore(run, data, out).added, calls) == (0, [])
    changed = json.loads((data / "0003.json").read_text())
    (data / "0003.json").write_text(json.dumps({**changed, "group": "another"}))
    (data / "0099.json").write_text((data / "0001.json").read_text())
    (out / "0005.json.clean.json").unlink()
    assert restore(run, data, out).added == 3
    assert calls == ["0003.json", "0005.json", "0099.json"]


def test_a_replaced_file_of_equal_length_is_restored_again(run, data, tmp_path):
    restore(run, data, tmp_path / "out")
    file = data / "0003.json"
    content = json.loads(file.read_text())
    file.write_text(json.dumps({**content, "values": content["values"][::-1]}))
    done = restore(run, data, tmp_path / "out")
    assert (done.added, done.changed) == (1, 1)
    restore(run, data, tmp_path / "fresh")
    for fresh in (tmp_path / "fresh").glob("0*"):
        assert (tmp_path / "out" / fresh.name).read_bytes() == fresh.read_bytes()
    assert restore(run, data, tmp_path / "out").added == 0


def test_an_interrupted_call_loses_no_finished_file(run, data, tmp_path, monkeypatch):
    from unlabeled_vectors.method import Denoise

    plain, calls = Denoise.restore.__func__, []

    def dies_late(cls, encoder, reader, item, file):
        calls.append(item.id)
        if len(calls) == 6:
            raise KeyboardInterrupt
        plain(cls, encoder, reader, item, file)

    with monkeypatch.context() as patch:
        patch.setattr(Denoise, "restore", classmethod(dies_late))
        with pytest.raises(KeyboardInterrupt):
            restore(run, data, tmp_path / "out")
    done = restore(run, data, tmp_path / "out")
    assert (done.files, done.added) == (12, 7)


def test_an_unreadable_item_is_left_out_and_listed(run, data, tmp_path):
    break_file(data / "0004.json")
    done = restore(run, data, tmp_path / "out")
    assert (done.files, done.added, len(done.quarantine)) == (11, 11, 1)
    assert "0004.json" in (tmp_path / "out" / "quarantine.jsonl").read_text()
    assert not (tmp_path / "out" / "0004.json.clean.json").exists()
    with pytest.raises(UnreadableItem, match=r"0004\.json"):
        restore(run, data, tmp_path / "other", unreadable="stop")
    for number in range(3):
        break_file(data / f"000{number}.json")
    with pytest.raises(DataError, match="that --max-skipped allows"):
        restore(run, data, tmp_path / "more")


def test_other_folders_are_left_alone(run, data, tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "thesis.tex").touch()
    with pytest.raises(UsageError, match=r"found thesis\.tex"):
        restore(run, data, tmp_path / "thesis")
    for inside in (data, data / "restored"):
        with pytest.raises(UsageError, match="lies within the data"):
            restore(run, data, inside)
    with pytest.raises(UsageError, match="lies within the data"):
        restore(run, data / "0001.json", data)
    restore(run, data, tmp_path / "out")
    other = pretrain(toy_runs.recipe(DENOISE, seed=1), data, tmp_path / "other", quiet=True)
    with pytest.raises(UsageError, match="another encoder made"):
        restore(other.path, data, tmp_path / "out")


def test_each_kind_of_run_names_the_command_of_the_other(run, data, tmp_path, capsys):
    embeds = pretrain(toy_runs.recipe(steps=2), data, tmp_path / "embeds", quiet=True).path
    with pytest.raises(RunError, match="Use: unlabeled embed"):
        restore(embeds, data, tmp_path / "out")
    words = [str(run), str(data), "--out", str(tmp_path / "vectors.parquet")]
    assert main.run(["embed", *words]) == RunError.exit_code
    assert "Use: unlabeled restore" in capsys.readouterr().err


def test_the_command_says_what_it_did(run, data, tmp_path, capsys):
    words = ["restore", str(run), str(data), "--out", str(tmp_path / "out")]
    assert main.run(words) == 0
    assert "12 files; 12 items new, 0 changed" in capsys.readouterr().out
    assert main.run([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["added"] == 0


def test_card_and_report_name_the_command(run):
    from unlabeled.report.page import report

    assert "unlabeled restore PATH DATA" in (run / "encoder" / "README.md").read_text()
    assert "unlabeled.restore(" in report(run).read_text()
