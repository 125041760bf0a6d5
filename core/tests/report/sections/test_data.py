from reported import HOSTILE, Checked, a_run, read

from unlabeled.report.sections.data import data
from unlabeled.run_folder import JsonLines


def left_out(run):
    lines = JsonLines(run.quarantine)
    lines.append({"source": HOSTILE, "expected": "a file", "found": "nothing"})
    lines.close()
    return run


def test_what_was_left_out_is_counted_and_named(tmp_path):
    text = Checked(data(read(left_out(a_run(tmp_path / "run")))).body).text
    assert "left out 1" in text
    assert "nothing (1)" in text
    assert HOSTILE in text
    assert "…/molecules.smi" in text


def test_of_private_data_it_is_only_counted(tmp_path):
    run = a_run(tmp_path / "run")
    run.private.mkdir()
    text = Checked(data(read(left_out(run))).body).text
    assert "left out 1" in text
    assert "molecules" not in text
    assert "nothing" not in text
