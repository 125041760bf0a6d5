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
from unlabeled.objectives.byol import BYOL, byol_loss


def formula(p, t):
    t = t.detach()
    terms = [((x / x.norm() - y / y.norm()) ** 2).sum() for x, y in zip(p, t, strict=True)]
    return sum(terms) / len(terms)


def inputs(n=6, d=4):
    p, t = views(n, d)
    return p, t.detach()


def test_equals_the_formula():
    assert_equals(byol_loss, formula, inputs())


def test_equals_lightly():
    cosine = pytest.importorskip("lightly.loss").NegativeCosineSimilarity()
    assert_equals(byol_loss, lambda p, t: 2 + 2 * cosine(p, t), inputs(), tolerance=1e-9)


def test_the_target_gets_no_gradient():
    p, t = views(6, 4)
    byol_loss(p, t).backward()
    assert t.grad is None


@pytest.mark.parametrize("counts", [(5, 2), (3, 0, 4)])
def test_processes_equal_one_joint_batch(counts):
    assert_processes_equal_one(byol_loss, inputs(7), counts)


def test_blind_to_order():
    assert_blind_to_order(byol_loss, inputs())


@pytest.mark.parametrize("case", EXTREMES)
def test_precise_in_bf16(case):
    assert_precise_in_bf16(byol_loss, extreme(case))


def objective():
    torch.manual_seed(0)
    return BYOL(BYOL.settings_type(projector=(16, 8), predictor=12), width=5)


def test_the_objective_predicts_each_view_from_the_other():
    method = objective().eval()
    a, b = (view.float() for view in views(6, 5))
    s, t = (view.float().detach() for view in views(6, 8))
    p, q = (method.predictor(method.projector(view)) for view in (a, b))
    expected = byol_loss(p, t) + byol_loss(q, s)
    torch.testing.assert_close(method([a, b], [s, t]).total, expected)
    torch.testing.assert_close(method([b, a], [t, s]).total, expected)


def test_bad_input_is_refused_by_name():
    a, b = (view.float() for view in views(6, 5))
    with pytest.raises(ShapeError, match="teacher: expected 2 views, found none"):
        objective()([a, b])
    with pytest.raises(ShapeError, match=r"teacher\[1\]: expected shape \(6, P\), found \(5, 8\)"):
        objective()([a, b], [torch.zeros(6, 8), torch.zeros(5, 8)])
    with pytest.raises(ShapeError, match="joint batch of at least 2 samples, found 1"):
        objective()([a[:1], b[:1]], [torch.zeros(1, 8)] * 2)
