"""Schedules reach the rates they promise at the steps they promise."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlabeled.schedules import cosine, half_cosine, infinite, warm_up

TABLE = {"warm": 10, "cooled": 30, "anneal": 80, "total": 100, "constant": 0.3, "final": 0.01}


@pytest.mark.parametrize(
    ("step", "rate"),
    [(0, 0), (5, 0.5), (10, 1), (20, 0.65), (30, 0.3), (79, 0.3), (80, 0.3), (100, 0.01)],
)
def test_infinite_at_the_ends_of_its_phases(step, rate):
    assert infinite(step, **TABLE) == pytest.approx(rate, abs=1e-12)


def test_infinite_anneals_exponentially():
    """After half of the phase the rate is the geometric mean: 5.477e-5 for 3e-4 and 1e-5."""
    assert infinite(90, **TABLE) == pytest.approx(math.sqrt(0.3 * 0.01), rel=1e-12)
    ratios = [infinite(n + 1, **TABLE) / infinite(n, **TABLE) for n in range(80, 100)]
    assert ratios == pytest.approx([(0.01 / 0.3) ** (1 / 20)] * 20)


@st.composite
def phases(draw):
    ends = sorted(draw(st.lists(st.integers(0, 200), min_size=3, max_size=3)))
    constant = draw(st.floats(0.01, 1))
    final = draw(st.floats(0.001, constant))
    total = ends[2] + draw(st.integers(0, 50))
    names = ("warm", "cooled", "anneal", "total", "constant", "final")
    return dict(zip(names, (*ends, total, constant, final), strict=True))


@given(phases())
def test_infinite_never_rises_after_the_warm_up_and_never_jumps(given):
    rates = [infinite(step, **given) for step in range(given["total"] + 1)]
    after = rates[given["warm"] :]
    assert all(later <= earlier + 1e-12 for earlier, later in pairwise(after))
    assert all(given["final"] - 1e-12 <= rate <= 1 for rate in after)
    if given["cooled"] > given["warm"]:
        assert rates[given["cooled"]] == pytest.approx(given["constant"])
    if given["total"] > given["anneal"]:
        assert rates[-1] == pytest.approx(given["final"])


@given(st.integers(0, 50), st.integers(1, 200), st.floats(0, 1))
def test_cosine_rises_linearly_and_falls_to_its_final_rate(warm, rest, final):
    total = warm + rest
    rates = [cosine(step, total, warm, final) for step in range(total + 1)]
    assert rates[:warm] == pytest.approx([n / warm for n in range(warm)])
    assert rates[warm] == 1
    assert rates[-1] == pytest.approx(final, abs=1e-12)
    expected = [
        final + (1 - final) * math.cos(math.pi * n / (2 * rest)) ** 2 for n in range(rest + 1)
    ]
    assert rates[warm:] == pytest.approx(expected, abs=1e-12)


def test_small_parts():
    assert [warm_up(step, 4) for step in (0, 1, 4, 9)] == [0, 0.25, 1, 1]
    assert warm_up(0, 0) == 1
    assert half_cosine(0, 2, 8) == 2
    assert half_cosine(0.5, 2, 8) == pytest.approx(5)
    assert half_cosine(1, 2, 8) == half_cosine(7, 2, 8) == 8
