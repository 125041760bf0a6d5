"""`unlabeled forget` says what it removed and what remains."""

import json

import pytest

from unlabeled.cli.main import run
from unlabeled.inference.forget import Forgotten


@pytest.fixture(autouse=True)
def done(monkeypatch, tmp_path):
    found = Forgotten(tmp_path, {"private/items.csv": 3}, ("the weights",))
    monkeypatch.setattr("unlabeled.inference.forget.forget", lambda path, group: found)
    return found


def test_in_words(tmp_path, capsys):
    assert run(["forget", str(tmp_path), "--group", "P1"]) == 0
    shown = capsys.readouterr().out
    assert "removed 3 from private/items.csv\nstill holds traces:\n  the weights" in shown


def test_as_json(tmp_path, capsys):
    assert run(["forget", str(tmp_path), "--group", "P1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "path": str(tmp_path),
        "removed": {"private/items.csv": 3},
        "remains": ["the weights"],
    }
