import itertools
import math
import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlabeled.report.charts import MOST_POINTS, Bar, curve, intervals, nice_ticks

finite = st.floats(-1e6, 1e6).map(lambda value: round(value, 3))


@given(finite, finite)
def test_ticks_enclose_the_values_at_equal_distances(one, other):
    low, high = min(one, other), max(one, other)
    ticks = nice_ticks(low, high)
    slack = 1e-6 * max(1.0, abs(low), abs(high))
    assert ticks[0] <= low + slack
    assert ticks[-1] >= high - slack
    assert 2 <= len(ticks) <= 7
    steps = [b - a for a, b in itertools.pairwise(ticks)]
    assert max(steps) == pytest.approx(min(steps), rel=1e-3)


def points_of(svg):
    line = ElementTree.fromstring(svg).find("polyline")
    return [tuple(map(float, pair.split(","))) for pair in line.get("points").split()]


def test_a_curve_rises_where_its_values_do():
    points = points_of(curve("loss", [1, 2, 3], [0.0, 2.0, 1.0]))
    assert [x for x, _ in points] == sorted(x for x, _ in points)
    heights = [-y for _, y in points]  # SVG counts downwards
    assert heights[0] < heights[2] < heights[1]
    assert heights[2] - heights[0] == pytest.approx((heights[1] - heights[0]) / 2, abs=0.02)


def test_a_long_curve_is_averaged_not_cut():
    values = [0.0] * 5000 + [1.0] * 5000
    points = points_of(curve("loss", list(range(10000)), values))
    assert len(points) <= MOST_POINTS
    ys = [y for _, y in points]
    assert max(ys) == ys[0]
    assert min(ys) == ys[-1]


@pytest.mark.parametrize("values", [[3.0], [3.0, 3.0], [0.0, 0.0], [1.0, math.nan, 2.0]])
def test_flat_short_and_broken_curves_are_drawn(values):
    svg = curve("loss", list(range(len(values))), values)
    assert "nan" not in svg
    assert points_of(svg)


def test_nothing_finite_draws_nothing():
    assert curve("loss", [1], [math.inf]) == ""


def test_an_interval_lies_around_its_value_and_texts_are_escaped():
    svg = intervals(
        "a < b", [Bar("<x>", "pretrained", 0.5, 0.4, 0.7), Bar("y", "random", 0, -1, 1)]
    )
    root = ElementTree.fromstring(svg)
    line, dot = root.find("line[@class='interval pretrained']"), root.find("circle")
    assert float(line.get("x1")) < float(dot.get("cx")) < float(line.get("x2"))
    assert root.find("title").text == "a < b"
    assert [t.text for t in root.findall("text") if t.get("class") == "label"] == ["<x>", "y"]
    assert not re.search(r"<x>", svg)
