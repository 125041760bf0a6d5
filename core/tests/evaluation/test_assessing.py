"""Any assessment goes through one door: aligned, paired, turned so that positive is better."""

import json

import numpy as np
import pyarrow as pa
import pytest
import torch

from unlabeled.builtin import plugin as core
from unlabeled.contract import Assessed, Assessment, FindsLabels, Rivals, Score
from unlabeled.data.labels import Labels
from unlabeled.errors import DataError, PluginError, RunError, UsageError
from unlabeled.evaluation import assessing
from unlabeled.evaluation import evaluate as room
from unlabeled.evaluation.assessing import Entry, share
from unlabeled.evaluation.evaluate import evaluate
from unlabeled.evaluation.result import FORMAT, Evaluation
from unlabeled.evaluation.settings import EvaluationSettings
from unlabeled.export.encoder import load_encoder, load_reader
from unlabeled.labelled import Labelled as SeenLabels
from unlabeled.plugin import Component

FEW = EvaluationSettings(random_encoders=2, baselines=("vectors/mean",))
DRAWN = []
"""The first number of each subject's rng."""


class Distance(Assessment, Rivals):
    """An error in mm, smaller is better; the random encoders' first unit is missing."""

    def assess(self, subject, source, labels, rng):
        DRAWN.append(float(rng.random()))
        if subject.kind == "baseline":
            return None
        found = subject.embed(labels)
        assert subject.encoder is not None
        size = 1.0 if subject.kind == "pretrained" else 3.0
        units = found.places[1:] if subject.kind == "random" else found.places
        return self.made(labels, units, np.full(len(units), size))

    def rivals(self, source, labels, rng):
        DRAWN.append(float(rng.random()))
        units = np.arange(len(labels.rows))[::-1]  # another order of the same units
        return {"nothing": self.made(labels, units, np.full(len(units), 0.5))}

    def made(self, labels, units, values):
        gaps = np.where(units % 2, np.nan, values)
        return Assessed(
            units,
            labels.groups[units],
            (
                Score.mean("distance", values, higher_is_better=False, unit="mm"),
                Score.mean("distance", gaps, higher_is_better=False, unit="mm", at={"labels": 5}),
                Score("never", lambda at: float("nan")),
            ),
            notes=("Said by the assessment.",),
        )


class Unlabelled(Distance):
    uses_labels = False


class Picky(Distance):
    encoders = (Assessment,)


class Named(Distance, FindsLabels):
    """Labels are files beside the items, called after them."""

    def find_labels(self, path, items):
        names = [file.stem for file in sorted(path.glob("*.mask"))]
        table = pa.table({"item": names, "mask": [f"{name}.mask" for name in names]})
        return Labels(table, np.arange(1, len(names) + 1), path.name, ("Found by name.",))

    def training_rows(self, source, labels):
        FITTED.append(
            (labels.rows.tolist(), labels.folder, labels.table[labels.targets[0]].to_pylist())
        )
        return labels.rows[:3]


class OfTokens(Distance):
    output_kind = "tokens"


FITTED = []


@pytest.fixture
def data(vectors, tmp_path):
    from unlabeled_vectors.parts import write

    write(tmp_path / "data", count=24, seed=0)
    return tmp_path / "data"


@pytest.fixture
def run(vectors, save_mixer):
    from unlabeled_vectors.parts import Mixer, MixerSettings

    torch.manual_seed(0)
    return save_mixer(Mixer(MixerSettings(width=6)))


@pytest.fixture(autouse=True)
def known(monkeypatch):
    DRAWN.clear()
    FITTED.clear()
    for name in ("Distance", "Unlabelled", "Picky", "Named", "OfTokens"):
        component = Component(f"{__name__}:{name}", "toy")
        monkeypatch.setitem(core.assessments, name.lower(), component)


def test_an_assessment_is_run_for_everybody_and_shown(run, data):
    (run / "manifest.json").write_text("{}")
    asked = {"assess": "distance", "target": ["kind"], "settings": FEW}
    found = evaluate(run, data, data / "labels.csv", **asked)

    assert [(row.kind, row.score) for row in found.rows] == [
        ("pretrained", 1.0),
        ("random", 3.0),
        ("rival", 0.5),
    ]
    random, rival = found.comparisons
    assert (random.difference, random.outcome) == (2.0, "win")  # smaller is better
    assert (rival.difference, rival.outcome, found.outcome) == (-0.5, "loss", "win")
    assert found.items == 23
    assert "1 items could not be assessed for everybody and do not count." in found.notes
    assert "vectors/mean: no description of items, left out." in found.notes
    assert "Said by the assessment." in found.notes
    assert len(DRAWN) == 5
    assert len(set(DRAWN)) == 1

    few, never = found.further
    assert (few.at, few.rows[1].score, few.condition) == ({"labels": 5}, 3.0, "labels 5")
    assert (never.rows[0].score, never.rows[0].interval, never.outcome) == (None, None, "open")
    assert "this − pretrained" in found.headline.lines()[0]
    assert found.verdict()[1].startswith("The pretrained encoder is worse than nothing (-0.500 mm")

    path = run / "evaluation" / "labels-distance.json"
    written = json.loads(path.read_text())
    assert (written["format"], written["assessment"]) == (FORMAT, {"name": "distance"})
    assert Evaluation.from_dict(written) == found
    assert "NaN" not in path.read_text()


def test_groups_that_had_labels_are_not_tested_whatever_is_assessed(run, data, monkeypatch):
    """The assessment returns them all the same."""
    before = evaluate(run, data, data / "labels.csv", assess="distance", target=["kind"])
    names = sorted(set(load_reader(run).index(data).groups.tolist()))
    seen = SeenLabels(groups=frozenset(names[:1]))
    monkeypatch.setattr(room, "seen_by", lambda path: seen)
    found = evaluate(run, data, data / "labels.csv", assess="distance", target=["kind"])
    assert found.groups == before.groups - 1
    assert found.labelled_groups_in_training == 1
    assert found.labelled_in_training == 3
    assert "3 items of 1 groups had labels in training and are not tested" in found.account()
    monkeypatch.setattr(room, "seen_by", lambda path: SeenLabels(groups=frozenset(names)))
    with pytest.raises(DataError, match=r"had labels in training .* so no score would mean"):
        evaluate(run, data, data / "labels.csv", assess="distance", target=["kind"])


def test_labels_that_are_not_used_are_refused(run, data):
    with pytest.raises(UsageError, match="--labels: the assessment unlabelled uses no labels"):
        evaluate(run, data, data / "labels.csv", assess="unlabelled")
    with pytest.raises(PluginError, match="Did you mean distance"):
        evaluate(run, data, assess="distanec")


def test_encoders_of_another_kind_are_refused(run, data):
    with pytest.raises(RunError, match="Picky needs an encoder of the kind Assessment, found vec"):
        evaluate(run, data, data / "labels.csv", assess="picky", target=["kind"])


def test_the_kind_of_output_that_an_assessment_encodes_by_is_asked_for(run, data):
    for assess, output in (("distance", "global"), ("oftokens", "tokens")):
        found = evaluate(
            run, data, data / "labels.csv", assess=assess, target=["kind"], settings=FEW
        )
        kinds = {each.name: each.kind for each in load_encoder(run).outputs}
        assert kinds[found.output] == output


def test_an_assessment_finds_labels_that_are_no_table(run, data, tmp_path):
    """Where labels are a folder; and those in the data's own folder where none are named."""
    ids = load_reader(run).index(data).table["id"].to_pylist()
    for folder in (tmp_path / "masks", data):
        folder.mkdir(exist_ok=True)
        for name in ids[:9]:
            (folder / f"{name}.mask").touch()
    for labels in (tmp_path / "masks", None):
        found = evaluate(run, data, labels, assess="named", settings=FEW)
        assert (found.items, found.unmatched_items, found.targets) == (8, 15, ("mask",))
        assert "Found by name." in found.notes
        assert "15 of 24 items without a label take no part." in found.notes
        rows, folder, masks = FITTED.pop()
        assert (rows, folder) == (list(range(9)), labels or data)
        assert masks == [f"{name}.mask" for name in ids[:9]]
    both = evaluate(run, data, data / "labels.csv", assess="named", target=["kind"], settings=FEW)
    assert both.items == 23  # a table is a table for everybody


def assessed(units, groups):
    return Assessed(np.array(units), np.array(groups), (Score.mean("m", np.zeros(len(units))),))


def test_units_are_aligned_by_their_names():
    one = Entry("a", "pretrained", (assessed(["x", "y", "z"], ["g", "g", "h"]),))
    two = Entry("b", "random", (assessed(["z", "x", "w"], ["h", "g", "k"]),))
    found = share([one, two], "toy")
    assert found.groups.tolist() == ["g", "h"]
    assert [places.tolist() for places in found.places] == [[0, 2], [1, 0]]
    assert found.lost == 2
    with pytest.raises(PluginError, match="a unit has several groups"):
        share([one, Entry("c", "random", (assessed(["x"], ["h"]),))], "toy")
    with pytest.raises(DataError, match="no unit could be assessed for everybody"):
        share([one, Entry("c", "random", (assessed(["q"], ["h"]),))], "toy")


@pytest.mark.parametrize(
    ("units", "groups", "error"),
    [(["x", "x"], ["g", "g"], "stand once"), (["x"], ["g", "g"], "each with a group")],
)
def test_what_would_mislead_is_refused(units, groups, error):
    with pytest.raises(PluginError, match=error):
        assessing._require_whole(assessed(units, groups), "toy")


def test_a_mean_leaves_out_what_is_undefined():
    score = Score.mean("m", np.array([1.0, np.nan, 3.0]))
    assert score.of(np.array([0, 1, 2, 2])) == pytest.approx(7 / 3)
    assert np.isnan(score.of(np.array([1])))
    assert np.isnan(score.of(np.arange(0)))
