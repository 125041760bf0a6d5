"""The run folder keeps others out, says what it is, and loses no complete row."""

import json
import os
import resource
import signal

import pytest
import toy_runs
from hypothesis import given
from hypothesis import strategies as st

from unlabeled.errors import RunError
from unlabeled.run_folder import DataRecord, JsonLines, Manifest, RunFolder

MANIFEST = Manifest(
    name="toy",
    recipe={"training": {"seed": 0}},
    data=DataRecord("/data", 3, "abc", {"id": "d"}),
    environment={"threads": 1},
    total_steps=4,
    notes=("one",),
)


def test_a_manifest_comes_back_as_it_was(tmp_path):
    folder = RunFolder(tmp_path / "run")
    folder.claim()
    assert not folder.holds_run()
    folder.begin(MANIFEST)
    assert folder.holds_run()
    assert folder.read() == MANIFEST
    assert folder.read_recipe() == {"training": {"seed": 0}}
    assert folder.update(steps=2).steps == folder.read().steps == 2


def test_a_folder_with_something_else_in_it_is_refused(tmp_path):
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(RunError, match=r"found thesis\.tex\. Choose another --out"):
        RunFolder(tmp_path).claim()
    with pytest.raises(RunError, match="found a file"):
        RunFolder(tmp_path / "thesis.tex").claim()


def test_what_a_killed_beginning_leaves_is_no_stranger(tmp_path):
    (tmp_path / "recipe.yaml").touch()
    (tmp_path / ".lock").touch()
    RunFolder(tmp_path).claim()


@pytest.mark.parametrize("text", ["{", "[]", '{"format": 1}', '{"format": 99}'])
def test_a_manifest_that_cannot_be_read_is_named(tmp_path, text):
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(RunError, match=r"manifest\.json"):
        RunFolder(tmp_path).read()


@pytest.mark.parametrize(("number", "todo"), [(99, "pip install --upgrade"), (0, "Train again")])
def test_a_manifest_of_another_format_is_refused_by_number(tmp_path, number, todo):
    (tmp_path / "manifest.json").write_text(json.dumps({"format": number}))
    with pytest.raises(
        RunError, match=rf"manifest\.json: expected format 1, found {number}.*{todo}"
    ):
        RunFolder(tmp_path).read()


def test_a_folder_that_is_no_run_says_so(tmp_path):
    with pytest.raises(RunError, match="found another folder"):
        RunFolder(tmp_path).read()
    with pytest.raises(RunError, match="found no such folder"):
        RunFolder(tmp_path / "nothing").read()


def enter(path):
    try:
        with RunFolder(path).locked():
            os._exit(0)
    except RunError as error:
        os._exit(7 if "is writing to this run" in str(error) else 8)


def enter_and_die(path):
    with RunFolder(path).locked():
        os.kill(os.getpid(), signal.SIGKILL)


def test_two_processes_do_not_write_to_one_run(tmp_path, vectors):
    with RunFolder(tmp_path).locked():
        assert toy_runs.forked(enter, tmp_path) == 7
    assert toy_runs.forked(enter, tmp_path) == 0


def test_a_killed_process_leaves_no_lock(tmp_path):
    assert toy_runs.forked(enter_and_die, tmp_path) == -signal.SIGKILL
    with RunFolder(tmp_path).locked():
        pass


values = st.dictionaries(
    st.text(), st.integers() | st.floats(allow_nan=False, allow_infinity=False)
)


@given(st.lists(values, max_size=8), st.integers(0, 9))
def test_rows_come_back_up_to_the_cut(tmp_path_factory, contents, step):
    file = JsonLines(tmp_path_factory.mktemp("rows") / "metrics.jsonl")
    written = [{**row, "step": number + 1} for number, row in enumerate(contents)]
    for row in written:
        file.append(row)
    assert list(file.rows()) == written
    file.cut(step)
    assert list(file.rows()) == written[:step]
    file.append({"step": step + 1})
    assert list(file.rows()) == [*written[:step], {"step": step + 1}]
    file.close()


def test_half_a_row_is_no_row(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 1}\n{"step": 2, "lo')
    file = JsonLines(path)
    assert list(file.rows()) == [{"step": 1}]
    file.cut(2)
    assert path.read_text() == '{"step": 1}\n'


def fill_up(path):
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
    file = JsonLines(path)
    try:
        for step in range(1000):
            file.append({"step": step})
    except RunError as error:
        os._exit(0 if "cannot be written: File too large" in str(error) else 8)
    os._exit(9)


def test_a_full_disk_is_one_clear_error(tmp_path):
    assert toy_runs.forked(fill_up, tmp_path / "metrics.jsonl") == 0
    rows = list(JsonLines(tmp_path / "metrics.jsonl").rows())
    assert rows == [{"step": number} for number in range(len(rows))]
    assert len(rows) > 10


def test_no_number_is_an_error_and_not_invalid_json(tmp_path):
    file = JsonLines(tmp_path / "metrics.jsonl")
    with pytest.raises(ValueError, match="not JSON compliant"):
        file.append({"step": float("nan")})
    assert list(file.rows()) == []
    file.close()
