import pytest
from reported import a_run, a_seen, evaluated, judged, read, with_steps

from unlabeled.contract import Preview
from unlabeled.report.highlights import highlights
from unlabeled.report.look import Found
from unlabeled.report.sections.map import map_of

PICTURE = Preview(b"12345", "png", "2 mm")


@pytest.fixture
def run(tmp_path):
    folder = a_run(tmp_path / "run")
    health = {"health_effective_rank": 7.5, "health_feature_std": 0.5}
    with_steps(folder, [{"loss": 2.0, "lr": 0.1, **health}, {"loss": 1.0, "lr": 0.1, **health}])
    return folder


def test_there_are_four_and_what_was_learnt_comes_first(run):
    evaluated(run, judged())
    seen = a_seen(full={3: Found(None, (PICTURE,))})
    found = highlights(read(run), seen, map_of(seen))
    assert [picture.section for picture in found] == ["evaluation", "map", "items", "training"]
    assert "r2" in found[0].title
    assert "coloured by kind" in found[1].title
    assert "item 3.wav" in found[2].title


def test_without_labels_and_data_there_is_the_training(run):
    titles = [picture.title for picture in highlights(read(run))]
    assert titles == [f"{n} over steps" for n in ("loss", "effective rank", "feature std", "lr")]


def test_a_run_without_a_step_or_with_one_has_no_curve(tmp_path):
    folder = a_run(tmp_path / "new")
    assert highlights(read(folder)) == []
    with_steps(folder, [{"loss": 1.0}])
    assert highlights(read(folder)) == []
