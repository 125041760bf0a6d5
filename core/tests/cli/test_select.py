"""`unlabeled select`: a table and what to keep, or one document."""

import json

import toy_runs

from unlabeled.cli.main import run
from unlabeled.training.pretrain import pretrain


def test_what_to_keep_is_said(vectors, tmp_path, capsys):
    data = toy_runs.write_data(tmp_path / "data")
    pretrain(toy_runs.recipe(steps=3, health_every=0), data, tmp_path / "run", quiet=True)
    assert run(["select", str(tmp_path / "run"), "--data", str(data)]) == 0
    shown = capsys.readouterr().out
    assert "30 items embedded by all" in shown
    assert f"keep {tmp_path / 'run'}, at its end" in shown
    assert run(["select", str(tmp_path / "run"), "--data", str(data), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [each["step"] for each in found["candidates"]] == [None]
    assert found["lost"] is None


def test_a_folder_that_is_no_run_is_named(vectors, tmp_path, capsys):
    data = toy_runs.write_data(tmp_path / "data")
    assert run(["select", str(tmp_path), "--data", str(data)]) == 5
    assert "expected a run" in capsys.readouterr().err
