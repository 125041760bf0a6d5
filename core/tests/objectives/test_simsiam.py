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
from unlabeled.objectives.simsiam import SimSiam, simsiam_loss


def formula(p, z):
    z = z.detach()
    cosines = [x @ y / (x.norm() * y.norm()) for x, y in zip(p, z, strict=True)]
    return -sum(cosines) / len(cosines)


def inputs(n=6, d=4):
    p, z = views(n, d)
    return p, z.detach()


def test_equals_the_formula():
    assert_equals(simsiam_loss, formula, inputs())


def test_equals_lightly():
    theirs = pytest.importorskip("lightly.loss").NegativeCosineSimilarity()
    assert_equals(simsiam_loss, theirs, inputs(), tolerance=1e-9)


@pytest.mark.parametrize("counts", [(5, 2), (3, 0, 4)])
def test_processes_equal_one_joint_batch(counts):
    assert_processes_equal_one(simsiam_loss, inputs(7), counts)


def test_blind_to_order():
    assert_blind_to_order(simsiam_loss, inputs())


@pytest.mark.parametrize("case", EXTREMES)
def test_precise_in_bf16(case):
    assert_precise_in_bf16(simsiam_loss, extreme(case))


def test_the_objective_stops_the_gradient_of_the_targets():
    torch.manual_seed(0)
    method = SimSiam(SimSiam.settings_type(projector=(16, 8), predictor=4), width=5).eval()
    a, b = (view.float() for view in views(6, 5))
    p, q = (method.predictor(method.projector(view)) for view in (a, b))
    with torch.no_grad():
        y, z = method.projector(a), method.projector(b)
    expected = (simsiam_loss(p, z) + simsiam_loss(q, y)) / 2
    total = method([a, b]).total
    torch.testing.assert_close(total, expected)
    torch.testing.assert_close(method([b, a]).total, expected)
    weights = list(method.parameters())
    torch.testing.assert_close(
        torch.autograd.grad(total, weights), torch.autograd.grad(expected, weights)
    )
    with pytest.raises(ShapeError, match="joint batch of at least 2 samples, found 1"):
        method([a[:1], b[:1]])
