import itertools
import math
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlabeled.report.charts import (
    MOST_POINTS,
    Bar,
    Line,
    against,
    curve,
    curves,
    intervals,
    nice_ticks,
    scatter,
)

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


def test_several_lines_share_their_axes_and_say_their_names():
    lines = [Line("<a>", [1, 2], [0.0, 1.0]), Line("b", [1, 4], [4.0, 2.0]), Line("c", [], [])]
    root = ElementTree.fromstring(curves("loss", lines))
    found = root.findall("polyline")
    assert [line.get("data-name") for line in found] == ["<a>", "b"]
    assert [line.get("class") for line in found] == ["line l0", "line l1"]
    *_, x0, x1, y0, y1 = map(float, root.get("data-axes").split())
    assert (x0, x1, y0, y1) == (1, 4, 0, 4)


def test_points_lie_where_they_should_and_equal_ones_on_the_line():
    root = ElementTree.fromstring(scatter("map", np.array([[0.0, 0], [1, 1]]), np.array([3, 0])))
    one, two = root.findall("circle")
    assert float(one.get("cx")) < float(two.get("cx"))
    assert float(one.get("cy")) > float(two.get("cy"))  # SVG counts downwards
    assert one.get("class") == "c3"
    root = ElementTree.fromstring(against("x", [(0.5, 0.5)], "a", "<b>", None, span=(0, 1)))
    line, dot = root.find("line[@class='diagonal']"), root.find("circle")
    middle = (float(line.get("x1")) + float(line.get("x2"))) / 2
    assert float(dot.get("cx")) == pytest.approx(middle, abs=0.02)
