"""Runs, evaluations and pages for tests of the report."""

import json
from html.parser import HTMLParser

import numpy as np

from unlabeled.evaluation.bootstrap import Interval
from unlabeled.evaluation.result import Evaluation, Row, ScoreTable, compare
from unlabeled.report.columns import column
from unlabeled.report.run_data import RunData
from unlabeled.report.seen import Seen
from unlabeled.run_folder import DataRecord, JsonLines, Manifest, RunFolder

VOID = {"meta", "br", "hr", "img", "input", "link"}
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


class Checked(HTMLParser):
    """Collects text and attributes; every element must be closed in order."""

    def __init__(self, page):
        super().__init__()
        self.open, self.words, self.links, self.ids, self.tags = [], [], [], [], []
        self.feed(str(page))
        assert self.open == []
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        self.links += [value for name, value in attributes if name in ("src", "href", "action")]
        self.ids += [value for name, value in attributes if name == "id"]
        assert not [name for name, _ in attributes if name.startswith("on")]

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("style", "script"):
            self.words.append(data)


def a_run(path, **fields):
    """A run that has just started: a manifest and a recipe."""
    folder = RunFolder(path)
    folder.claim()
    manifest = {
        "name": "graph/<tiny>",
        "recipe": {"encoder": {"name": "graph/gin"}, "pretext": {"name": "graph/graphmae"}},
        "data": DataRecord("/home/someone/data/molecules.smi", 1234, "abcdef", {}),
        "environment": {"python": "3.11", "versions": {"torch": "2.6", "numpy": "2.1"}},
        "total_steps": 50,
        "status": "running",
        "notes": ("inexact: resumed with another torch",),
    }
    folder.begin(Manifest(**{**manifest, **fields}))
    return folder


def with_steps(folder, rows):
    """Metrics, as training writes them."""
    metrics = JsonLines(folder.metrics)
    for step, row in enumerate(rows, start=1):
        metrics.append({"step": step, **row})
    metrics.close()


def judged(against=("random",), differences=(0.2,), groups=40, score=0.5):
    """An evaluation whose intervals are ± 0.1."""
    kinds = ["random", *["baseline"] * (len(against) - 1)]
    others = [
        Row(name, kind, 64, score - each, Interval(score - each - 0.1, score - each + 0.1))
        for name, kind, each in zip(against, kinds, differences, strict=True)
    ]
    compared = tuple(
        compare(name, each, Interval(each - 0.1, each + 0.1))
        for name, each in zip(against, differences, strict=True)
    )
    own = Row("pretrained", "pretrained", 64, score, Interval(score - 0.1, score + 0.1))
    headline = ScoreTable("r2", True, "", {}, (own, *others), compared, compared[0].outcome)
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
        groups=groups,
        unmatched_rows=3,
        unmatched_items=0,
        labelled_in_training=18,
        labelled_groups_in_training=3,
        skipped=1,
        near_duplicates=0,
        pretrained_on=0,
        about={
            "task": "regression",
            "probe": {"name": "ridge"},
            "probe_because": "as requested",
            "splits": "5 folds by group, each left out in turn",
        },
        headline=headline,
        further=(distance,),
        notes=("A note on groups.",),
        seeds=(0, 1),
        resamples=1000,
    )


def evaluated(folder, found):
    """Write an evaluation into a run."""
    (folder.path / "evaluation").mkdir(exist_ok=True)
    file = folder.path / "evaluation" / f"{found.name}.json"
    file.write_text(json.dumps(found.to_dict()))


def a_seen(count=60, **fields):
    rng = np.random.default_rng(0)
    kind = ["x", "y"] * (count // 2)
    site = np.repeat(["a", "b", "c"], count // 3).tolist()
    vectors = rng.normal(size=(count, 6))
    vectors[np.arange(count), np.repeat(range(3), count // 3)] += 8
    columns = (column("kind", "label", kind), column("group", "group", site))
    names = tuple(f"item {n}.wav" for n in range(count))
    return Seen(
        **{
            "names": names,
            "groups": np.array(site),
            "columns": columns,
            "vectors": vectors,
            "embedded": np.arange(count),
            "place_of": {name: place for place, name in enumerate(names)},
            **fields,
        }
    )


def read(folder):
    return RunData.read(folder.path)
