import pytest
from reported import a_run, evaluated, judged, read, with_steps

from unlabeled.report.highlights import highlights
from unlabeled.report.previews import Previewed, Shown

PICTURE = Shown("a", "caption", "data:image/png;base64,AA", sound=False)
SOUND = Shown("a", "caption", "data:audio/wav;base64,AA", sound=True)


@pytest.fixture
def run(tmp_path):
    folder = a_run(tmp_path / "run")
    health = {"health_effective_rank": 7.5, "health_feature_std": 0.5}
    with_steps(folder, [{"loss": 2.0, "lr": 0.1, **health}, {"loss": 1.0, "lr": 0.1, **health}])
    return folder


def test_there_are_four_and_what_was_learnt_comes_first(run):
    evaluated(run, judged())
    found = highlights(read(run), Previewed([SOUND, PICTURE]))
    assert [picture.section for picture in found] == ["evaluation", "items", "training", "health"]
    assert "r2" in found[0].title
    assert "base64,AA" in found[1].body


def test_without_labels_and_data_there_is_the_training(run):
    titles = [picture.title for picture in highlights(read(run), Previewed())]
    assert titles == [f"{n} over steps" for n in ("loss", "effective rank", "feature std", "lr")]


def test_a_run_without_a_step_has_no_picture(tmp_path):
    assert highlights(read(a_run(tmp_path / "new")), Previewed()) == []
