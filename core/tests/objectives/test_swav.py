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
from unlabeled.objectives import soft_cross_entropy
from unlabeled.objectives.swav import SwAV, sinkhorn, swav_loss


def scores(n=6, k=4, count=3):
    return [torch.tanh(x).detach().requires_grad_() for x in views(n, k, count=count)]


def loss(*s):
    return swav_loss(s)


def codes(s, epsilon=0.05, iterations=3):
    """Algorithm 1 of the paper, on numbers instead of logarithms."""
    q = torch.exp(s.detach() / epsilon)
    for _ in range(iterations):
        q = q / q.sum(0, keepdim=True)
        q = q / q.sum(1, keepdim=True)
    return q


def formula(*s, coded=2, temperature=0.1):
    total, terms = 0, 0
    for i in range(coded):
        q = codes(s[i])
        for v in range(len(s)):
            if v != i:
                p = torch.exp(s[v] / temperature)
                p = p / p.sum(1, keepdim=True)
                total, terms = total - (q * p.log()).sum(1).mean(), terms + 1
    return total / terms


@pytest.mark.parametrize("tiny", [0, 10**6])
@pytest.mark.parametrize("count", [2, 3, 5])
def test_equals_the_formula(count, tiny, monkeypatch):
    monkeypatch.setattr(soft_cross_entropy, "TINY", tiny)
    assert_equals(loss, formula, scores(count=count))


def test_equals_lightly():
    theirs = pytest.importorskip("lightly.loss").SwaVLoss()
    assert_equals(
        loss,
        lambda *s: theirs(list(s[:2]), list(s[2:])).squeeze(),
        scores(16, 10, count=4),
        tolerance=1e-9,
    )


def test_codes_share_the_prototypes_evenly():
    q = sinkhorn(scores(64, 8)[0].detach(), iterations=200)
    torch.testing.assert_close(q.sum(1), torch.ones(64, dtype=torch.float64))
    torch.testing.assert_close(q.sum(0), torch.full((8,), 8.0, dtype=torch.float64))


def test_large_scores_give_codes_where_exp_overflows():
    large = 1e4 * scores(6, 4)[0].detach()
    assert codes(large).isnan().any()
    q = sinkhorn(large)
    assert torch.isfinite(q).all()
    torch.testing.assert_close(q.sum(1), torch.ones(6, dtype=torch.float64))


@pytest.mark.parametrize("counts", [(5, 2), (1, 1), (3, 0, 4)])
def test_processes_equal_one_joint_batch(counts):
    assert_processes_equal_one(loss, scores(sum(counts)), counts)


def test_symmetric_and_blind_to_order():
    a, b, c = scores()
    assert_blind_to_order(loss, (a, b, c))
    torch.testing.assert_close(loss(b, a, c), loss(a, b, c))


def test_collapse_is_not_the_optimum():
    constant = torch.zeros(8, 8)
    assert loss(constant, constant) > 2 * loss(torch.eye(8), torch.eye(8))


@pytest.mark.parametrize("case", [*EXTREMES])
def test_precise_in_bf16(case):
    a, b = extreme(case)
    assert_precise_in_bf16(loss, (a.clamp(-1, 1), b.clamp(-1, 1)))


def objective():
    torch.manual_seed(0)
    return SwAV(SwAV.settings_type(projector=(16, 8), prototypes=7), width=5)


def test_the_objective_keeps_its_prototypes_at_unit_length():
    method = objective()
    three = [view.float() for view in views(6, 5, count=3)]
    method(three).total.backward()
    assert method.prototypes.grad.abs().sum() > 0
    torch.optim.SGD(method.parameters(), lr=1.0).step()
    method.after_step(0, 1)
    torch.testing.assert_close(method.prototypes.norm(dim=1), torch.ones(7))


def test_bad_input_is_refused_by_name():
    a, b, _ = scores()
    with pytest.raises(ShapeError, match=r"scores\[1\]: expected the shape of scores\[0\]"):
        swav_loss([a, b[:3]])
    with pytest.raises(ShapeError, match="coded: expected 1 to 2 views, found 3"):
        swav_loss([a, b], coded=3)
    with pytest.raises(ShapeError, match="epsilon: expected a number above 0"):
        swav_loss([a, b], epsilon=0)
    with pytest.raises(ShapeError, match="joint batch of at least 2 samples, found 1"):
        swav_loss([a[:1], b[:1]])
