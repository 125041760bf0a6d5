"""Labels of stretches, segment by segment."""

from types import SimpleNamespace

import numpy as np
import pytest

from unlabeled.contract import Piece
from unlabeled.data.items import Items
from unlabeled.errors import DataError, UsageError
from unlabeled.evaluation.detection import Detection, _events
from unlabeled.evaluation.labelling import given_labels
from unlabeled.evaluation.seen_labels import Seen
from unlabeled.inference.reading import Source
from unlabeled.labelled import Labelled
from unlabeled.randomness import keyed_rng

HOP = 0.25
"""s between tokens, the first of which lies at 0.125."""


class Recordings:
    """(T, 3): whether bird or frog is heard at each token, and noise."""

    def __init__(self, samples):
        self.samples = samples

    def read(self, item, rng=None):
        return self.samples[int(item.id)]


def recordings(count=12, seconds=4.5, seed=0):
    """Samples, and the rows of their events."""
    rng, samples, rows = np.random.default_rng(seed), [], []
    time = np.arange(HOP / 2, seconds, HOP)
    for number in range(count):
        heard = np.zeros((len(time), 3))
        for column, name in enumerate(("bird", "frog")):
            start = float(rng.uniform(0, 3))
            end = start + float(rng.uniform(0.4, 1.2))
            heard[:, column] = (time >= start) & (time < end)
            rows.append(f"{number},{start},{end},{name},{number // 2}")
        heard += rng.normal(0, 0.05, heard.shape)
        samples.append(heard)
    return samples, rows


def given(tmp_path, samples, rows, seen=(), more=""):
    table = tmp_path / "events.csv"
    table.write_text("\n".join([f"item,start,end,sound,group{more}", *rows]) + "\n")
    count = len(samples)
    columns = {"id": [str(n) for n in range(count)], "source": ["x"] * count, "size": [1] * count}
    source = Source(Items.of(columns), Recordings(samples))
    runs = Seen((Labelled(groups=frozenset(seen)),)) if seen else Seen()
    return source, given_labels(table, ["sound"], source, tmp_path, (), runs)


def heard(samples, kind):
    time = [np.arange(len(each))[:, None] * HOP + HOP / 2 for each in samples]
    return [Piece(each, place) for each, place in zip(samples, time, strict=True)]


def assessed(source, labels, **settings):
    subject = SimpleNamespace(encoder=object(), batch_size=5, encode=heard)
    return Detection(**settings).assess(subject, source, labels, keyed_rng(0))


def test_segments_have_the_labels_of_the_stretches_that_overlap_them(tmp_path):
    samples, rows = recordings()
    source, labels = given(tmp_path, samples, rows)
    found = assessed(source, labels)
    assert found.units.tolist() == [f"{row}:{second}" for row in range(12) for second in range(5)]
    assert found.groups.tolist() == [str(row // 2) for row in range(12) for _ in range(5)]
    metrics = [(score.metric, dict(score.at)) for score in found.scores]
    assert metrics == [
        ("mAP", {}),
        ("F1", {}),
        ("AP", {"label": "bird"}),
        ("AP", {"label": "frog"}),
    ]
    every = np.arange(60)
    # A stretch may graze a segment and hold none of its tokens: so not all are found.
    assert found.scores[0].of(every) > 0.85
    assert found.scores[1].of(every) > 0.65
    assert found.about["segments"] == "60 of 1 each, of 12 items"
    assert found.about["splits"] == "5 folds by group, each left out in turn"


def test_labels_and_vectors_of_segments_are_those_of_loops(tmp_path):
    samples, rows = recordings(count=4)
    source, labels = given(tmp_path, samples, [*rows, "2,1.0,2.0,bird,1"])  # from edge to edge
    subject = SimpleNamespace(encoder=object(), batch_size=3, encode=heard)
    found = Detection()._segments(subject, source, labels, _events(labels))
    events = [row.split(",") for row in [*rows, "2,1.0,2.0,bird,1"]]
    for unit, has, values in zip(found.units, found.has, found.values, strict=True):
        item, second = map(int, unit.split(":"))
        assert has == {
            name
            for row, start, end, name, _ in events
            if int(row) == item and float(start) < second + 1 and float(end) > second
        }
        tokens = samples[item][4 * second : 4 * second + 4]
        np.testing.assert_allclose(values, tokens.mean(0))


def test_an_embedding_that_hears_nothing_is_at_chance(tmp_path):
    samples, rows = recordings()
    rng = np.random.default_rng(1)
    source, labels = given(tmp_path, [rng.normal(size=each.shape) for each in samples], rows)
    found = assessed(source, labels)
    assert found.scores[0].of(np.arange(60)) < 0.6


def test_shorter_segments_are_more(tmp_path):
    source, labels = given(tmp_path, *recordings())
    assert len(assessed(source, labels, length=0.5).units) == 12 * 9


def test_groups_that_had_labels_teach_and_are_not_tested(tmp_path):
    source, labels = given(tmp_path, *recordings(), seen=("0", "3"))
    found = assessed(source, labels)
    assert sorted(set(found.groups.tolist())) == ["1", "2", "4", "5"]
    source, labels = given(tmp_path, *recordings(), seen=tuple("012345"))
    with pytest.raises(DataError, match="had labels in training"):
        assessed(source, labels)


def test_labels_of_too_few_groups_are_named_and_no_baseline_hears(tmp_path):
    samples, rows = recordings()
    source, labels = given(tmp_path, samples, [*rows, "0,0,1,toad,0"])
    assert any("1 of 3 labels stand in too few groups" in n for n in assessed(source, labels).notes)
    baseline = SimpleNamespace(encoder=None)
    assert Detection().assess(baseline, source, labels, keyed_rng(0)) is None


def test_labels_of_whole_items_are_refused(tmp_path):
    samples, _ = recordings()
    table = tmp_path / "labels.csv"
    table.write_text("item,sound\n0,bird\n1,frog\n")
    count = len(samples)
    columns = {"id": [str(n) for n in range(count)], "source": ["x"] * count, "size": [1] * count}
    source = Source(Items.of(columns), Recordings(samples))
    labels = given_labels(table, ["sound"], source, tmp_path, (), Seen())
    with pytest.raises(UsageError, match="with the columns start and end; found labels of items"):
        assessed(source, labels)


@pytest.mark.parametrize(
    ("column", "said", "tested"),
    [("split", "the split of the labels", 30), ("fold", "2 folds of the labels, each", 60)],
)
def test_the_labels_may_say_what_is_tested(tmp_path, column, said, tested):
    samples, rows = recordings()
    rows = [f"{row},{('train', 'test')[n >= 12]}" for n, row in enumerate(rows)]
    source, labels = given(tmp_path, samples, rows, more=f",{column}")
    found = assessed(source, labels)
    assert found.about["splits"].startswith(said)
    assert len(found.units) == tested
