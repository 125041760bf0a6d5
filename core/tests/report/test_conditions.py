import math
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from reported import HOSTILE

from unlabeled.evaluation.bootstrap import Interval
from unlabeled.evaluation.result import Row, ScoreTable
from unlabeled.report.conditions import curves_of

KINDS = {"pretrained": "pretrained", "5 random": "random", "raw": "baseline", "mean": "baseline"}


def table(at, score=0.5, metric="Dice", kinds=KINDS, interval=True):
    rows = tuple(
        Row(name, kind, 8, score, Interval(score - 0.1, score + 0.1) if interval else None)
        for name, kind in kinds.items()
    )
    return ScoreTable(metric, True, "", at, rows, (), "open")


def parts(curves, tag, style):
    drawn = ElementTree.fromstring(curves.drawn)
    return [each for each in drawn.iter(tag) if each.get("class", "").startswith(style)]


def points(line):
    return [tuple(map(float, pair.split(","))) for pair in line.get("points").split()]


def test_a_numeric_condition_is_an_axis():
    tables = [table({"size": size}, score=size / 100) for size in (40, 20, 30)]
    [found] = curves_of([table({}), *tables])
    assert found.title == "Dice by size"
    assert [name for _, name in found.keys] == list(KINDS)
    line = points(parts(found, "polyline", "path pretrained")[0])
    x, y = zip(*line, strict=True)
    assert x == tuple(sorted(x))
    assert x[1] - x[0] == pytest.approx(x[2] - x[1])
    assert y == tuple(sorted(y, reverse=True))  # a higher score lies higher
    ticks = [each.text for each in ElementTree.fromstring(found.drawn).iter("text")]
    assert ticks[-4:] == ["20", "30", "40", "size"]


def test_random_ones_have_a_band_and_others_whiskers_apart():
    [found] = curves_of([table({"size": size}) for size in (20, 30)])
    [band] = parts(found, "polygon", "band random")
    assert len(points(band)) == 4
    assert not parts(found, "line", "whisker random")
    drawn = parts(found, "line", "whisker")
    assert len(drawn) == 6
    assert len({each.get("x1") for each in drawn}) == 6
    assert [style for style, _ in found.keys] == [
        "pretrained",
        "random",
        "baseline",
        "baseline dash1",
    ]


def test_what_spans_a_factor_of_ten_is_logarithmic():
    [found] = curves_of([table({"labels": count}) for count in (1, 10, 100)])
    x = [a for a, _ in points(parts(found, "polyline", "path pretrained")[0])]
    assert x[1] - x[0] == pytest.approx(x[2] - x[1])
    assert ">labels (log scale)</text>" in found.drawn
    [linear] = curves_of([table({"labels": count}) for count in (0, 10, 100)])
    assert "log scale" not in linear.drawn


def test_text_conditions_and_other_numbers_stand_in_titles():
    tables = [
        table({"size": size, "labels": labels, "scale": scale})
        for size in (60, 120, 224)
        for labels in (1, 5)
        for scale in ("z", "min")
    ]
    titles = [each.title for each in curves_of(tables)]
    assert sorted(titles) == sorted(
        f"Dice by size, labels {labels}, scale {scale}"
        for labels in (1, 5)
        for scale in ("z", "min")
    )
    assert curves_of([table({"target": "a"}), table({"target": "b"}), table({"size": 5})]) == []


def test_what_is_undefined_leaves_a_gap():
    tables = [table({"size": size}) for size in (1, 2, 3)]
    none = tuple(replace(row, score=None, interval=None) for row in tables[1].rows[:1])
    tables[1] = replace(tables[1], rows=(*none, *tables[1].rows[1:]))
    [found] = curves_of(tables)
    assert len(points(parts(found, "polyline", "path pretrained")[0])) == 2
    empty = [replace(t, rows=tuple(replace(r, score=None) for r in t.rows)) for t in tables]
    assert curves_of(empty) == []
    assert all(
        math.isfinite(v) for each in points(parts(found, "polygon", "band")[0]) for v in each
    )


def test_many_conditions_keep_few_numbers_and_texts_are_escaped():
    tables = [table({HOSTILE: n}, kinds={HOSTILE: "pretrained"}) for n in range(20)]
    [found] = curves_of(tables)
    assert HOSTILE not in found.drawn
    assert len(parts(found, "text", "tick middle")) <= 7
