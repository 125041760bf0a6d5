from reported import Checked, a_run, read

from unlabeled.report.sections.use import made, use


def test_the_recipe_and_the_versions_are_there(tmp_path):
    text = Checked(made(read(a_run(tmp_path / "run"))).body).text
    assert "name: graph/graphmae" in text
    assert "torch 2.6" in text


def test_an_unfinished_run_says_how_to_go_on(tmp_path):
    assert "pretrain --resume RUN" in use(read(a_run(tmp_path / "run"))).body
