import json
from html.parser import HTMLParser

import pytest

from unlabeled.errors import RunError
from unlabeled.evaluation.bootstrap import Interval
from unlabeled.evaluation.result import Evaluation, Row, ScoreTable, compare
from unlabeled.report import page as page_module
from unlabeled.report.page import report
from unlabeled.report.previews import Previewed, Shown
from unlabeled.run_folder import DataRecord, JsonLines, Manifest, RunFolder

VOID = {"meta", "br", "hr", "img", "input", "link"}


class Checked(HTMLParser):
    """Collects text and attributes; every element must be closed in order."""

    def __init__(self, page):
        super().__init__()
        self.open, self.words, self.links = [], [], []
        self.feed(page)
        assert self.open == []
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attributes):
        if tag not in VOID:
            self.open.append(tag)
        self.links += [value for name, value in attributes if name in ("src", "href", "action")]

    def handle_startendtag(self, tag, attributes):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.words.append(data)


def judged():
    interval = Interval(0.1, 0.3)
    headline = ScoreTable(
        metric="r2",
        higher_is_better=True,
        unit="",
        at={},
        rows=(
            Row("pretrained", "pretrained", 64, 0.5, Interval(0.4, 0.6)),
            Row("random", "random", 64, 0.3, Interval(0.2, 0.4), sd=0.02),
        ),
        comparisons=(compare("random", 0.2, interval),),
        outcome="win",
    )
    distance = ScoreTable(
        metric="HD95",
        higher_is_better=False,
        unit="mm",
        at={"labels": 5},
        rows=(
            Row("pretrained", "pretrained", 64, 3.25, Interval(2.0, 4.0)),
            Row("random", "random", 64, None, None),
        ),
        comparisons=(compare("random", None, None),),
        outcome="open",
    )
    return Evaluation(
        name="labels-ridge",
        assessment={"name": "probe"},
        data="data",
        labels="labels.csv",
        targets=("activity",),
        output="pooled",
        unit="items",
        items=100,
        groups=40,
        unmatched_rows=3,
        unmatched_items=0,
        skipped=1,
        about={
            "task": "regression",
            "probe": {"name": "ridge"},
            "probe_because": "as asked for",
            "splits": "5 folds by group, each left out in turn",
        },
        headline=headline,
        further=(distance,),
        notes=("A note on groups.",),
        seeds=(0, 1),
        resamples=1000,
    )


@pytest.fixture
def run(tmp_path):
    """A run that has just started: a manifest and a recipe."""
    folder = RunFolder(tmp_path / "run")
    folder.claim()
    folder.begin(
        Manifest(
            name="graph/<tiny>",
            recipe={"encoder": {"name": "graph/gin"}, "pretext": {"name": "graph/graphmae"}},
            data=DataRecord("molecules.smi", 1234, "abcdef", {}),
            environment={"python": "3.11", "versions": {"torch": "2.6", "numpy": "2.1"}},
            total_steps=50,
            status="running",
            notes=("inexact: resumed with another torch",),
        )
    )
    return folder


def test_a_run_that_just_started_has_a_page(run):
    page = Checked(report(run.path).read_text())
    assert "graph/<tiny>" in page.text
    assert "inexact: resumed with another torch" in page.text
    assert "Not evaluated yet" in page.text
    assert "No step was recorded yet" in page.text
    assert "There is no encoder yet" in page.text


def test_a_finished_run_shows_all_it_knows(run):
    metrics = JsonLines(run.metrics)
    for step in range(1, 4):
        health = {"health_effective_rank": 7.5, "health_collapsed": True} if step == 2 else {}
        row = {"step": step, "loss": 1.0 / step, "loss_invariance": 0.5, "lr": 0.1, **health}
        metrics.append({**row, "grad_norm": None, "timing_step": 0.25})
    metrics.close()
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
    (run.path / "evaluation").mkdir()
    result = run.path / "evaluation" / "labels-ridge.json"
    result.write_text(json.dumps(judged().to_dict()))
    run.update(status="finished", steps=50, seconds=3725.0)

    path = report(run.path)
    page = Checked(path.read_text())
    for expected in (
        "status finished",
        "1:02:05",
        "regression of activity by ridge: r2",
        "HD95, mm, labels 5",
        "this − pretrained",
        "3.250",
        "undefined",
        "+0.200",
        "+0.100 to +0.300",
        "is better than random",
        "A note on groups.",
        "3 labels without an item",
        "invariance",
        "0.3333",
        "effective rank",
        "At the last look the embeddings had collapsed.",
        "an empty file (30)",
        "The first 20 items left out",
        "graph (default)",
        "unlabeled.load_encoder",
        "torch 2.6, numpy 2.1",
        "name: graph/graphmae",
        "1,234",
    ):
        assert expected in page.text
    assert "timing" not in page.text
    assert "30.mol" not in page.text
    assert path.read_text().count("<polyline") == 4  # two losses, the rate, the rank


def test_the_page_needs_nothing_from_elsewhere(run):
    text = report(run.path).read_text()
    assert Checked(text).links == []
    for outside in ("http:", "https:", "url(", "@import", "<script"):
        assert outside not in text


def test_an_evaluation_survives_json():
    found = judged()
    assert Evaluation.from_dict(json.loads(json.dumps(found.to_dict()))) == found


def test_a_result_of_another_format_is_refused_by_number(run):
    (run.path / "evaluation").mkdir()
    fields = {**judged().to_dict(), "format": 2}
    (run.path / "evaluation" / "new.json").write_text(json.dumps(fields))
    with pytest.raises(RunError, match=r"new\.json: expected format 1, found 2.*pip install"):
        report(run.path)


def test_a_broken_result_and_a_missing_run_are_named(run, tmp_path):
    (run.path / "evaluation").mkdir()
    (run.path / "evaluation" / "old.json").write_text("{}")
    with pytest.raises(RunError, match=r"old\.json: expected the result of unlabeled evaluate"):
        report(run.path)
    with pytest.raises(RunError, match="no such folder"):
        report(tmp_path / "nowhere")


def test_items_are_shown_in_the_page_itself_and_what_they_say_is_text(run, monkeypatch):
    shown = [Shown("a<b>", '1 < 2 "mm"', "data:image/png;base64,AA", sound=False)]
    shown += [Shown("c", "sound", "data:audio/wav;base64,AA", sound=True)]
    made = Previewed(shown, ["3 items <not> shown"])
    monkeypatch.setattr(page_module, "_items", lambda *_: made)
    page = Checked(report(run.path, "data").read_text())
    for text in ("a<b>", '1 < 2 "mm"', "3 items <not> shown"):
        assert text in page.text
    assert page.links == ["data:image/png;base64,AA", "data:audio/wav;base64,AA"]
