import pytest
from reported import HOSTILE, Checked, a_run, evaluated, judged, with_steps

from unlabeled.errors import RunError, UsageError
from unlabeled.report.comparison import compare_runs


def runs(tmp_path, count=2):
    found = []
    for n in range(count):
        folder = a_run(tmp_path / f"seed-{n}")
        recipe = {**folder.read().recipe, "training": {"seed": n, "note": HOSTILE, "same": 1}}
        folder.update(recipe=recipe)
        with_steps(folder, [{"loss": 2.0 - n * 0.1}, {"loss": 1.0 - n * 0.1}])
        evaluated(folder, judged(score=0.5 + 0.1 * n))
        found.append(folder.path)
    return found


def test_verdicts_scores_curves_and_what_differs_stand_side_by_side(tmp_path):
    path = compare_runs(runs(tmp_path))
    assert path == tmp_path / "seed-0" / "comparison.html"
    text = path.read_text()
    page = Checked(text)
    for words in ("2 runs side by side", "seed-0, seed-1", "training.seed 0 1", "0.500", "0.600"):
        assert words in page.text
    assert "training.same" not in page.text
    assert page.text.count("The encoder predicts activity better than random.") == 2
    assert text.count("<polyline") == 2
    assert 'data-name="seed-1"' in text
    assert str(tmp_path) not in text


def test_runs_of_one_name_are_told_apart(tmp_path):
    paths = [a_run(tmp_path / place / "run").path for place in ("a", "b")]
    page = Checked(compare_runs(paths).read_text())
    assert "a/run, b/run" in page.text
    assert "No run has been evaluated yet" in page.text
    assert "equal in every setting" in page.text
    page = Checked(compare_runs([paths[0]] * 2).read_text())
    assert "(1)" in page.text


def test_too_many_runs_and_what_is_no_run_are_refused(tmp_path):
    paths = runs(tmp_path)
    with pytest.raises(UsageError, match="at most 8"):
        compare_runs(paths * 5)
    with pytest.raises(RunError, match="no such folder"):
        compare_runs([*paths, tmp_path / "nowhere"])
