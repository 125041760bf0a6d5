import json

import numpy as np
import pytest
from reported import Checked, a_run, a_seen, evaluated, judged, read, with_steps

from unlabeled.contract import Preview
from unlabeled.errors import RunError, UsageError
from unlabeled.evaluation.result import Evaluation
from unlabeled.pictures import png
from unlabeled.report.gallery import Gallery
from unlabeled.report.look import Found
from unlabeled.report.nearest import nearest
from unlabeled.report.page import page, report
from unlabeled.run_folder import JsonLines


@pytest.fixture
def run(tmp_path):
    return a_run(tmp_path / "run")


def test_a_run_that_just_started_has_a_page(run):
    shown = Checked(report(run.path).read_text())
    for expected in (
        "graph/<tiny>",
        "inexact: resumed with another torch",
        "Not evaluated yet",
        "No step was recorded yet",
        "There is no encoder yet",
    ):
        assert expected in shown.text


def test_a_finished_run_shows_all_it_knows(run):
    health = {"health_effective_rank": 7.5, "health_feature_std": 0.5, "health_collapsed": False}
    rows = [{"loss": 1.0 / n, "loss_invariance": 0.5, "lr": 0.1} for n in (1, 2, 3)]
    rows[1] |= health
    with_steps(run, [{**row, "grad_norm": None, "timing_step": 0.25} for row in rows])
    quarantine = JsonLines(run.quarantine)
    for number in range(30):
        entry = {"source": f"{number}.mol", "expected": "a molecule", "found": "an empty file"}
        quarantine.append(entry)
    quarantine.close()
    run.encoder.mkdir()
    outputs = [{"name": "graph", "kind": "global", "width": 64}]
    config = {
        "outputs": outputs,
        "preprocessing": {"unit": "<atoms>"},
        "provenance": {"kind": "representation"},
    }
    (run.encoder / "config.json").write_text(json.dumps(config))
    evaluated(run, judged())
    run.update(status="finished", steps=50, seconds=3725.0)

    path = report(run.path)
    shown = Checked(path.read_text())
    for expected in (
        "status finished",
        "1:02:05",
        "regression of activity by ridge: r2",
        "The encoder predicts activity better than random.",
        "random +0.200 (+0.100 to +0.300)",
        "HD95, mm, labels 5",
        "this − pretrained",
        "3.250",
        "undefined",
        "is better than random",
        "A note on groups.",
        "3 labels without an item",
        "18 items of 3 groups had labels in training and are not tested",
        "invariance",
        "0.3333",
        "effective rank",
        "an empty file (30)",
        "The first 20 items left out",
        "graph (default)",
        "unit: <atoms>",
        "unlabeled.load_encoder",
        "torch 2.6, numpy 2.1",
        "name: graph/graphmae",
        "1,234",
    ):
        assert expected in shown.text
    assert "timing" not in shown.text
    assert "30.mol" not in shown.text
    assert len(shown.ids) == len(set(shown.ids))


def test_the_page_needs_nothing_from_elsewhere(run):
    with_steps(run, [{"loss": 1.0}, {"loss": 0.5}])
    text = report(run.path).read_text()
    assert not [link for link in Checked(text).links if not link.startswith(("#", "data:"))]
    for outside in ("http:", "https:", "url(", "@import"):
        assert outside not in text.replace("http://www.w3.org/2000/svg", "")


def test_no_absolute_path_stands_on_the_page(run, tmp_path):
    run.update(notes=(f"continues {tmp_path}/other/run, with its weights",))
    recipe = {"encoder": {"name": "a"}, "pretext": {"name": "b"}, "labels": {"table": "/x/y/z.csv"}}
    run.update(recipe=recipe, failed=f"step 3: not finite; see {tmp_path}/run/checkpoints")
    evaluated(run, judged())
    text = report(run.path).read_text()
    for folder in (str(tmp_path), "/home/someone", "/x/y"):
        assert folder not in text
    assert "…/z.csv" in text
    assert "…/molecules.smi" in text


def test_an_evaluation_survives_json():
    found = judged()
    assert Evaluation.from_dict(json.loads(json.dumps(found.to_dict()))) == found


def test_a_missing_run_is_named(tmp_path):
    with pytest.raises(RunError, match="no such folder"):
        report(tmp_path / "nowhere")


def test_labels_without_data_colour_nothing(run):
    with pytest.raises(UsageError, match="give it too"):
        report(run.path, labels="labels.csv")


def test_a_page_with_sixty_pictures_of_noise_is_under_three_megabytes(run):
    rng = np.random.default_rng(0)

    def noise(side):
        return Preview(png(rng.integers(0, 256, (side, side, 3), np.uint8)), "png", "noise")

    gallery = Gallery()
    for place in range(60):
        gallery.add(place, (noise(300),))
    full = {place: Found(None, tuple(noise(300) for _ in range(4))) for place in range(6)}
    near = nearest(rng.normal(size=(600, 8)), np.arange(600), 12, 4)
    seen = a_seen(count=600, gallery=gallery, full=full, near=near)
    text = page(read(run), seen)
    assert len(gallery.pictures) == 60
    assert len(text.encode()) < 3e6
    assert "left out, to keep the page small" in text
