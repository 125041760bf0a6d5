import json

import pytest
from reported import a_run, with_steps

from unlabeled.cli.main import run


@pytest.fixture
def paths(tmp_path):
    folders = [a_run(tmp_path / name) for name in ("a", "b")]
    for folder in folders:
        with_steps(folder, [{"loss": 2.0}, {"loss": 1.0}])
    return [str(folder.path) for folder in folders]


def test_one_run_has_a_report_and_several_a_comparison(paths, capsys):
    assert run(["report", paths[0], "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"report": f"{paths[0]}/report.html"}
    assert run(["report", *paths]) == 0
    assert capsys.readouterr().out.strip() == f"{paths[0]}/comparison.html"


def test_items_are_for_one_run(paths, capsys):
    assert run(["report", *paths, "--data", "x"]) == 2
    assert "for the report of one run" in capsys.readouterr().err


def test_what_is_no_run_cannot_be_watched(tmp_path, capsys):
    assert run(["watch", str(tmp_path)]) == 5
    assert "expected the folder of a run" in capsys.readouterr().err
