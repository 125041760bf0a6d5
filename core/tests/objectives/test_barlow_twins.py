import pytest
import torch
from losses import (
    EXTREMES,
    assert_blind_to_order,
    assert_equals,
    assert_precise_in_bf16,
    assert_processes_equal_one,
    extreme,
    views,
)

from unlabeled.errors import ShapeError
from unlabeled.objectives.barlow_twins import BarlowTwins, barlow_twins_loss

SHAPES = [(12, 5), (5, 12), (2, 1), (9, 9)]


def formula(a, b, weight=0.0051):
    """Equations 1 and 2 with loops over the entries of C."""
    n, d = a.shape
    a, b = ((z - z.mean(0)) / (z.var(0, unbiased=False) + 1e-5).sqrt() for z in (a, b))
    loss = 0
    for i in range(d):
        for j in range(d):
            c = (a[:, i] * b[:, j]).sum() / n
            loss = loss + ((c - 1) ** 2 if i == j else weight * c**2)
    return loss


@pytest.mark.parametrize("shape", SHAPES)
def test_equals_the_formula(shape):
    assert_equals(barlow_twins_loss, formula, views(*shape))
    loss = barlow_twins_loss(*views(*shape))
    torch.testing.assert_close(sum(loss.parts.values()), loss.total)


@pytest.mark.parametrize("shape", [(64, 32), (32, 64)])
def test_equals_lightly(shape):
    theirs = pytest.importorskip("lightly.loss").BarlowTwinsLoss(lambda_param=0.0051)
    assert_equals(barlow_twins_loss, theirs, views(*shape), tolerance=1e-9)


@pytest.mark.parametrize("counts", [(5, 2), (1, 1), (3, 1, 4)])
@pytest.mark.parametrize("width", [3, 20])
def test_processes_equal_one_joint_batch(counts, width):
    assert_processes_equal_one(barlow_twins_loss, views(sum(counts), width), counts)


@pytest.mark.parametrize("shape", SHAPES)
def test_symmetric_and_blind_to_order_and_scale(shape):
    a, b = views(*shape)
    assert_blind_to_order(barlow_twins_loss, (a, b))
    value = barlow_twins_loss(a, b).total
    torch.testing.assert_close(barlow_twins_loss(b, a).total, value)
    moved = barlow_twins_loss(1e3 * a + 7, b).total
    torch.testing.assert_close(moved, value, rtol=1e-3, atol=1e-3)


def test_collapse_is_not_the_optimum():
    constant = torch.ones(16, 8)
    assert barlow_twins_loss(constant, constant).total == 8
    drawn = torch.randn(16, 8, generator=torch.Generator().manual_seed(0))
    decorrelated = torch.linalg.qr(drawn - drawn.mean(0))[0]
    assert barlow_twins_loss(decorrelated, decorrelated).total < 0.01


@pytest.mark.parametrize("case", EXTREMES)
def test_precise_in_bf16(case):
    assert_precise_in_bf16(barlow_twins_loss, extreme(case))


def test_bad_input_is_refused_by_name():
    a, b = views(4, 3)
    with pytest.raises(ShapeError, match=r"b: expected the shape of a, \(4, 3\), found \(3, 3\)"):
        barlow_twins_loss(a, b[:3])
    with pytest.raises(ShapeError, match=r"a: expected shape \(N, D\), found \(4,\)"):
        barlow_twins_loss(a[:, 0], b)
    with pytest.raises(
        ShapeError, match="a: expected a joint batch of at least 2 samples, found 1"
    ):
        barlow_twins_loss(a[:1], b[:1])
    with pytest.raises(ShapeError, match="b: expected finite values, found 3 NaN"):
        barlow_twins_loss(a, b.where(torch.arange(4)[:, None] != 1, torch.nan))
    with pytest.raises(ShapeError, match="a: expected floating-point values"):
        barlow_twins_loss(a.long(), b)


def test_the_objective_projects_both_views():
    torch.manual_seed(0)
    objective = BarlowTwins(BarlowTwins.settings_type(projector=(16, 8)), width=5)
    a, b = (view.float() for view in views(6, 5))
    expected = barlow_twins_loss(objective.projector(a), objective.projector(b)).total
    torch.testing.assert_close(objective([a, b]).total, expected)
    assert objective.projector[-1].bias is None
    with pytest.raises(ShapeError, match="student: expected 2 views, found 3"):
        objective([a, b, a])
