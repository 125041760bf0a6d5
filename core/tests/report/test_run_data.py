import json
import os
import time

import pytest
from reported import a_run, evaluated, judged, read, with_steps

from unlabeled.errors import RunError
from unlabeled.evaluation.result import FORMAT


@pytest.fixture
def run(tmp_path):
    return a_run(tmp_path / "birds")


def test_numbers_come_from_the_rows_that_have_them(run):
    with_steps(run, [{"loss": 2.0}, {"loss": None, "health_collapsed": True}, {"loss": 1.0}])
    found = read(run)
    assert found.series("loss") == ([1.0, 3.0], [2.0, 1.0])
    assert found.series("health_collapsed") == ([], [])
    assert found.last("health_collapsed") is True
    assert found.last("nothing") is None
    assert (found.steps, found.name) == (3, "birds")


def test_a_run_that_calls_itself_running_and_writes_nothing_has_ended(run):
    with_steps(run, [{"loss": 2.0}])
    assert not read(run).ended
    before = time.time() - 3600
    os.utime(run.metrics, (before, before))
    assert read(run).ended
    run.update(status="finished")
    assert not read(run).ended


def test_the_newest_evaluation_is_the_first(run):
    evaluated(run, judged(score=0.7))
    file = run.path / "evaluation" / "labels-ridge.json"
    file.rename(file.with_name("z.json"))
    os.utime(file.with_name("z.json"), (1, 1))
    evaluated(run, judged(score=0.5))
    assert [found.rows[0].score for found in read(run).evaluations] == [0.5, 0.7]


def test_a_result_of_another_format_is_refused_by_number(run):
    (run.path / "evaluation").mkdir()
    fields = {**judged().to_dict(), "format": FORMAT + 1}
    (run.path / "evaluation" / "new.json").write_text(json.dumps(fields))
    with pytest.raises(RunError, match=r"new\.json: expected format 2, found 3.*pip install"):
        read(run)


def test_a_broken_result_is_named(run):
    (run.path / "evaluation").mkdir()
    (run.path / "evaluation" / "old.json").write_text("{}")
    with pytest.raises(RunError, match=r"old\.json: expected the result of unlabeled evaluate"):
        read(run)
