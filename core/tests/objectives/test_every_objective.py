"""What every objective says to bad input, over all of them, so that none can be forgotten."""

import pytest
import torch

from unlabeled import discovery
from unlabeled.builtin import OBJECTIVES
from unlabeled.errors import ShapeError

N, WIDTH = 6, 8
SMALL = {"projector": (16,), "prototypes": 16, "predictor": 16, "queue": 4}
VIEWS = {"ibot": 1, "mixed_barlow_twins": 3}
KEYWORDS = {
    "mixed_barlow_twins": {"share": torch.tensor(0.3), "partner": torch.arange(N).flip(0)},
}


def ready(name):
    """The objective with small settings, and input that it takes: views, and teacher or None."""
    torch.manual_seed(0)
    found = discovery.load("objectives", name)
    fields = found.settings_type.model_fields
    settings = {key: value for key, value in SMALL.items() if key in fields}
    objective = found(found.settings_type(**settings), WIDTH)
    views = [torch.randn(N, WIDTH) for _ in range(VIEWS.get(name, 2))]
    teacher = None
    if objective.needs_teacher:
        teacher = [objective.projector(view).detach() for view in views]
    return objective, views, teacher


def refusal(name, views, teacher, **keywords):
    objective, *_ = ready(name)
    with pytest.raises(ShapeError) as caught:
        objective(views, teacher, **{**KEYWORDS.get(name, {}), **keywords})
    return str(caught.value)


every = pytest.mark.parametrize("name", OBJECTIVES)
with_teacher = pytest.mark.parametrize(
    "name", [name for name in OBJECTIVES if discovery.load("objectives", name).needs_teacher]
)


@every
def test_takes_the_input_that_it_is_given_below(name):
    objective, views, teacher = ready(name)
    assert torch.isfinite(objective(views, teacher, **KEYWORDS.get(name, {})).total)


@every
def test_no_views(name):
    _, _, teacher = ready(name)
    assert refusal(name, [], teacher).startswith("student")
    assert "found 0" in refusal(name, [], teacher)


@every
def test_axes(name):
    _, views, teacher = ready(name)
    said = refusal(name, [view[:, None] for view in views], teacher)
    assert said == f"student[0]: expected shape (N, {WIDTH}), found ({N}, 1, {WIDTH})"


@every
def test_width(name):
    _, views, teacher = ready(name)
    said = refusal(name, [view[:, :5] for view in views], teacher)
    assert said == f"student[0]: expected shape (N, {WIDTH}), found ({N}, 5)"


@every
def test_integers(name):
    _, views, teacher = ready(name)
    said = refusal(name, [view.long() for view in views], teacher)
    assert said == "student[0]: expected floating-point values, found torch.int64"


@pytest.mark.parametrize("name", [name for name in OBJECTIVES if name != "ibot"])
def test_batch_sizes(name):
    _, views, teacher = ready(name)
    said = refusal(name, [*views[:-1], views[-1][:4]], teacher)
    expected = f"expected the shape of student[0], ({N}, {WIDTH}), found (4, {WIDTH})"
    assert said == f"student[{len(views) - 1}]: {expected}"


@every
def test_not_a_number(name):
    _, views, teacher = ready(name)
    views[0][2, 1] = torch.nan
    assert "expected finite values, found" in refusal(name, views, teacher)


@pytest.mark.parametrize("name", ["nt_xent", "dcl", "info_nce", "ibot"])
def test_groups(name):
    _, views, teacher = ready(name)
    said = refusal(name, views, teacher, groups=torch.arange(5))
    assert said == f"groups: expected ({N},) integer ids, found (5,) of torch.int64"


@with_teacher
def test_teacher(name):
    _, views, teacher = ready(name)
    assert "teacher: expected" in refusal(name, views, None)
    short = [each[:4] for each in teacher]
    assert f"({N}, " in refusal(name, views, short)
    assert "found (4, 16)" in refusal(name, views, short)


@pytest.mark.parametrize("name", [name for name in OBJECTIVES if name != "ibot"])
def test_a_lone_sample(name):
    _, views, teacher = ready(name)
    lone = [view[:1] for view in views]
    said = refusal(name, lone, teacher and [each[:1] for each in teacher])
    assert "expected a joint batch of at least 2 samples, found 1" in said


SETTINGS = {
    (name, field)
    for name in OBJECTIVES
    for field in discovery.load("objectives", name).settings_type.model_fields
    if "temperature" in field or field in ("sigma", "epsilon")
}


@pytest.mark.parametrize(
    ("name", "field"), sorted(each for each in SETTINGS if each[1] != "learn_temperature")
)
@pytest.mark.parametrize("value", [0, -0.1])
def test_temperatures(name, field, value):
    with pytest.raises(ValueError, match=rf"{field}\n.*greater than 0"):
        discovery.load("objectives", name).settings_type(**{field: value})
