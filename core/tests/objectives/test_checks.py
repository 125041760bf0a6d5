"""Refused arguments are named with what was expected and found; precision is float32 or better."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from unlabeled.contract import Loss
from unlabeled.errors import NotFinite, ShapeError
from unlabeled.objectives import checks

ROWS = torch.zeros(4, 3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: checks.require_rows(torch.zeros(4), "z"), r"z: expected shape \(N, D\).*\(4,\)"),
        (lambda: checks.require_rows(torch.zeros(4, 0), "z"), r"\(N, D\), found \(4, 0\)"),
        (lambda: checks.require_rows(ROWS, "z", width=5), r"z: .*\(N, 5\), found \(4, 3\)"),
        (lambda: checks.require_rows(ROWS.long(), "z"), "z: .*floating-point.*torch.int64"),
        (lambda: checks.require_pair(ROWS, ROWS[:2]), r"b: .*shape of a, \(4, 3\), found \(2, 3\)"),
        (lambda: checks.require_views([ROWS], None), "student: .*two or more views, found 1"),
        (lambda: checks.require_views([ROWS, ROWS], 3, "x"), "x: expected 3 views, found 2"),
        (lambda: checks.require_views([ROWS, ROWS[:, :1]], 2, "x"), r"x\[1\]: .*shape of x\[0\]"),
        (lambda: checks.require_joint_batch(ROWS, "x", at_least=5), "x: .*at least 5.*found 4"),
        (lambda: checks.require_groups(torch.zeros(4), ROWS), r"groups: expected \(4,\) integer"),
        (lambda: checks.require_groups(torch.zeros(3).long(), ROWS), r"found \(3,\) of torch.int6"),
        (lambda: checks.require_teacher(None, [ROWS]), "teacher: expected 1 views, found none"),
        (lambda: checks.require_teacher([ROWS], [ROWS, ROWS]), "expected 2 views, found 1"),
        (lambda: checks.require_teacher([ROWS[:2]], [ROWS]), r"teacher\[0\]: .*\(4, P\).*\(2, 3\)"),
        (lambda: checks.require_temperature(-1.0, "T"), "T: expected a number above 0, found -1"),
        (lambda: checks.require_temperature(torch.tensor(torch.nan)), "above 0, found nan"),
    ],
)
def test_the_message_names_argument_expected_and_found(call, message):
    with pytest.raises(ShapeError, match=message):
        call()


@given(st.integers(1, 5), st.integers(1, 4), st.integers(1, 4), st.integers(2, 4))
def test_what_fits_passes(rows, width, other, count):
    x = torch.zeros(rows, width)
    checks.require_pair(x, x)
    assert checks.require_joint_batch(x, "x", at_least=rows) == rows
    checks.require_groups(torch.zeros(rows, dtype=torch.int32), x)
    teacher = [torch.zeros(rows, other)] * count  # prototypes may be of another width
    assert checks.require_teacher(teacher, [x] * count) == teacher
    if rows > 1:
        checks.require_views([x] * count, None, width=width)


def test_half_precision_is_widened_also_in_lists_and_under_autocast():
    seen = []

    @checks.full_precision
    def loss(a, views, *, weight):
        seen.extend([a.dtype, views[0].dtype, weight.dtype, (views[0] @ views[0].T).dtype])
        return a.sum()

    half = torch.ones(2, 2, dtype=torch.bfloat16)
    with torch.autocast("cpu", torch.bfloat16):
        loss(half, (half,), weight=torch.ones((), dtype=torch.float64))
    assert seen == [torch.float32, torch.float32, torch.float64, torch.float32]


@checks.full_precision
def toy_loss(a, views):
    return Loss(a.sum() + sum(view.sum() for view in views), {})


def test_a_result_that_is_not_finite_is_traced_to_the_argument():
    bad = torch.ones(2, 3)
    bad[0, 1], bad[1, 2] = torch.nan, torch.inf
    found = r"views\[1\]: expected finite values, found 2 NaN or infinite of 6"
    with pytest.raises(NotFinite, match=found) as raised:
        toy_loss(torch.ones(2), [torch.ones(2), bad])
    assert raised.value.term == "toy"


def test_an_overflow_from_finite_arguments_is_left_to_the_training_loop():
    large = torch.full((2,), torch.finfo(torch.float32).max)
    assert toy_loss(large, [large]).total.isinf()
