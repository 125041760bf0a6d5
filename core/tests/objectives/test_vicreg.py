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
from unlabeled.objectives.vicreg import VICReg, vicreg_loss

SHAPES = [(12, 5), (5, 12), (2, 1), (9, 9)]


def formula(a, b):
    n, d = a.shape
    loss = 25 * ((a - b) ** 2).sum() / (n * d)
    for z in (a, b):
        c = z - z.mean(0)
        for i in range(d):
            deviation = ((c[:, i] ** 2).sum() / (n - 1) + 1e-4).sqrt()
            loss = loss + 25 / 2 * torch.clamp(1 - deviation, min=0) / d
            for j in range(d):
                if i != j:
                    loss = loss + ((c[:, i] * c[:, j]).sum() / (n - 1)) ** 2 / d
    return loss


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("scale", [0.3, 2.0])
def test_equals_the_formula(shape, scale):
    tensors = [(scale * x).detach().requires_grad_() for x in views(*shape)]
    assert_equals(vicreg_loss, formula, tensors)
    loss = vicreg_loss(*tensors)
    torch.testing.assert_close(sum(loss.parts.values()), loss.total)


@pytest.mark.parametrize("shape", [(64, 32), (32, 64)])
def test_equals_lightly(shape):
    theirs = pytest.importorskip("lightly.loss").VICRegLoss()
    assert_equals(vicreg_loss, theirs, views(*shape), tolerance=1e-9)


@pytest.mark.parametrize("counts", [(5, 2), (1, 1), (3, 0, 4)])
@pytest.mark.parametrize("width", [3, 20])
def test_processes_equal_one_joint_batch(counts, width):
    assert_processes_equal_one(vicreg_loss, views(sum(counts), width), counts)


@pytest.mark.parametrize("shape", SHAPES)
def test_symmetric_and_blind_to_order_and_mean(shape):
    a, b = views(*shape)
    assert_blind_to_order(vicreg_loss, (a, b))
    value = vicreg_loss(a, b).total
    torch.testing.assert_close(vicreg_loss(b, a).total, value)
    torch.testing.assert_close(vicreg_loss(a + 7, b + 7).total, value)


def test_collapse_is_not_the_optimum():
    constant = torch.ones(16, 8)
    assert vicreg_loss(constant, constant).total.item() == pytest.approx(25 * 0.99)
    drawn = torch.randn(16, 8, generator=torch.Generator().manual_seed(0))
    spread = 4 * torch.linalg.qr(drawn - drawn.mean(0))[0]
    assert vicreg_loss(spread, spread).total < 0.1


@pytest.mark.parametrize("case", EXTREMES)
def test_precise_in_bf16(case):
    assert_precise_in_bf16(vicreg_loss, extreme(case))


def test_bad_input_is_refused_by_name():
    a, b = views(4, 3)
    with pytest.raises(ShapeError, match="b: expected the shape of a"):
        vicreg_loss(a, b[:, :2])
    with pytest.raises(
        ShapeError, match="a: expected a joint batch of at least 2 samples, found 1"
    ):
        vicreg_loss(a[:1], b[:1])


def test_the_objective_projects_both_views():
    objective = VICReg(VICReg.settings_type(projector=(16, 8), covariance=2.0), width=5).eval()
    a, b = (view.float() for view in views(6, 5))
    expected = vicreg_loss(objective.projector(a), objective.projector(b), covariance=2.0)
    torch.testing.assert_close(objective([a, b]).total, expected.total)
